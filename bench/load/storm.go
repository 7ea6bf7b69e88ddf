package main

import (
	"errors"
	"math/rand"
	"strings"
	"sync"
	"syscall"
	"time"
)

// again is how long a client of a storm waits at most before it tries again: all come at once.
const again = 250 * time.Millisecond

// storm is clients that come back whenever their connection ends.
type storm struct {
	mutex      sync.Mutex
	count      int
	registered int
	turnedAway int // connections that were ended before they were registered
	since      int64
	taken      []int64
	last       error
}

// raise starts a storm, of which there is one at a time; calm tells when all are there.
func (b *bench) raise(o *order) (answer, error) {
	b.storm = &storm{count: o.Count}
	for number := range o.Count {
		go b.stay(b.storm, o, number)
	}
	return answer{}, nil
}

func (b *bench) stay(s *storm, o *order, number int) {
	buffer := make([]byte, 16<<10)
	for {
		c := b.connect(o, number)
		if c.lost == nil {
			s.arrived()
			for {
				line, err := c.readLine(buffer)
				if err != nil {
					break
				}
				if strings.HasPrefix(line, "PING ") {
					_ = c.send("PONG " + line[5:])
				}
			}
			_ = c.socket.Close()
			s.gone()
		} else if !errors.Is(c.lost, syscall.ECONNREFUSED) {
			s.refused(c.lost)
		}
		time.Sleep(time.Duration(rand.Int63n(int64(again))))
	}
}

func (s *storm) arrived() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registered++
	s.taken = append(s.taken, now()-s.since)
}

func (s *storm) gone() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registered--
}

func (s *storm) refused(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.turnedAway++
	s.last = err
}

func (s *storm) isOver() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.registered >= s.count
}

// calm waits until all are registered.  The first time that is from the order on, later from
// when it was told that a server, which may be another process, is ready again.
func (b *bench) calm(o *order) (answer, error) {
	s := b.storm
	s.mutex.Lock()
	s.since, s.turnedAway, s.taken = now(), 0, nil
	s.mutex.Unlock()
	if len(o.Processes) > 0 {
		b.target.Processes = o.Processes
	}
	meter := b.measure()
	for end := now() + int64(o.Limit)*int64(time.Second); !s.isOver(); {
		if now() > end {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if s.last != nil {
				return nil, s.last
			}
			return nil, errors.New("not all clients came back")
		}
		time.Sleep(2 * time.Millisecond)
	}
	a := meter.stop(answer{})
	s.mutex.Lock()
	defer s.mutex.Unlock()
	spread(a, "taken", append([]int64{}, s.taken...))
	a["turned_away"] = s.turnedAway
	return a, nil
}
