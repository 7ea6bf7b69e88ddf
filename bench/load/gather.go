package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// dial makes clients, so many at the same time, and tells what each one cost.  Brief ones
// end behind the first line of the server; the others stay, registered.
func (b *bench) dial(o *order) (answer, error) {
	first := len(b.groups[o.Group])
	made := make([]*client, o.Count)
	for i := range made {
		nick := o.Group + strconv.Itoa(first+i)
		if o.Resume && b.tickets[nick] == nil {
			b.tickets[nick] = &ticket{}
		}
	}
	b.rest()
	meter := b.measure()
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(max(o.InFlight, 1), o.Count) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range numbers {
				made[i] = b.connect(o, first+i)
				if o.Brief {
					made[i].close()
				}
			}
		}()
	}
	for i := range made {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	a := meter.stop(answer{})
	taken, resumed := []int64{}, 0
	for _, c := range made {
		if c.lost != nil {
			return nil, fmt.Errorf("%s could not connect: %w", c.nick, c.lost)
		}
		taken = append(taken, c.taken)
		if c.resumed {
			resumed++
		}
	}
	spread(a, "taken", taken)
	a["resumed"] = resumed
	if o.Brief {
		return a, nil
	}
	granted := []string{}
	for name := range made[0].granted {
		granted = append(granted, name)
	}
	a["granted"] = granted
	b.groups[o.Group] = append(b.groups[o.Group], made...)
	for _, c := range made {
		if err := b.loop.add(c); err != nil {
			return nil, err
		}
	}
	return a, b.loop.settle(made, o.Limit, ignore)
}

// room is where a client of this number is.
func room(o *order, number int) string {
	return strings.ReplaceAll(o.Room, "%d", strconv.Itoa(number))
}

func isPrivate(o *order) bool { return strings.Contains(o.Room, "%d") }

// move lets the clients of a group, from the first one of the order on, join or part at
// once, and counts what each member is told of it.  The ones before them are in the room.
func (b *bench) move(o *order, command string) (answer, error) {
	moving, err := b.clients(o)
	if err != nil {
		return nil, err
	}
	all := b.groups[o.Group][:o.First+len(moving)]
	expected, told := 0, 0
	for i := range moving {
		switch {
		case isPrivate(o):
			expected++
		case command == "JOIN":
			expected += o.First + i + 1
		default:
			expected += len(all) - i
		}
	}
	word := []byte(" " + command + " ")
	b.loop.hear = func(c *client, line []byte, _ int64) {
		if bytes.Contains(line, word) {
			told++
		}
	}
	defer func() { b.loop.hear = ignore }()
	b.rest()
	meter := b.measure()
	for _, c := range moving {
		if err := c.send(command + " " + room(o, c.number)); err != nil {
			return nil, err
		}
	}
	err = b.loop.run(o.Limit, func() bool { return told >= expected }, nil)
	a := meter.stop(answer{"expected": expected})
	if err == nil {
		err = b.loop.settle(all, o.Limit, b.loop.hear)
	}
	a["delivered"] = told
	return a, err
}

// quit ends the clients of a group from the first one of the order on; those before them,
// who share a room with them, are told of each.
func (b *bench) quit(o *order) (answer, error) {
	leaving, err := b.clients(o)
	if err != nil {
		return nil, err
	}
	staying := b.groups[o.Group][:o.First]
	expected, told := len(leaving)*len(staying), 0
	b.loop.hear = func(c *client, line []byte, _ int64) {
		if c.number < o.First && bytes.Contains(line, []byte(" QUIT ")) {
			told++
		}
	}
	defer func() { b.loop.hear = ignore }()
	b.rest()
	meter := b.measure()
	for _, c := range leaving {
		if err := c.send("QUIT"); err != nil {
			return nil, err
		}
		b.loop.remove(c)
	}
	err = b.loop.run(o.Limit, func() bool { return told >= expected }, nil)
	a := meter.stop(answer{"expected": expected})
	for _, c := range leaving {
		_ = c.socket.Close()
	}
	b.groups[o.Group] = staying
	if err == nil {
		err = b.loop.settle(staying, o.Limit, b.loop.hear)
	}
	a["delivered"] = told
	return a, err
}
