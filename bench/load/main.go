// Load puts load on an IRC server: many clients with certificates over TLS 1.3, in one
// process that costs little beside the server.  It is the other half of bench/generator.py.
//
// It reads one JSON object a line from standard input.  The first is a target; each that
// follows is an order, answered with one line of JSON on standard output: what came of it,
// or "error".  It ends with its standard input.
//
// Handshakes run beside each other, on Go's own scheduler.  What is measured afterwards
// runs on one thread with one epoll set: one read(2) for each readable socket, and no
// allocation for a message, since crypto/tls is fed from memory.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// target is whom to connect to, as whom.
type target struct {
	Address     string `json:"address"`
	Authority   string `json:"authority"`
	Certificate string `json:"certificate"` // with its key, in one file
	Processes   []int  `json:"processes"`   // whose CPU time is told: the server's first
}

// order is what to do; which fields count depends on the first.
type order struct {
	Do    string `json:"do"`
	Group string `json:"group"` // the clients, by the name that they were given
	Limit int    `json:"limit"` // seconds for each phase

	// dial, storm: how many; the others: how many from the first one on, 0 for all
	Count int `json:"count"`
	First int `json:"first"`

	// dial, storm
	InFlight     int    `json:"in_flight"`
	Capabilities string `json:"capabilities"` // asked for where they are offered
	Account      string `json:"account"`      // logs in as this account, by SASL PLAIN
	Password     string `json:"password"`     // "" for SASL EXTERNAL
	Resume       bool   `json:"resume"`       // offer the ticket that the number got before
	Brief        bool   `json:"brief"`        // end behind the server's first line

	// join, talk, direct, part, quit, ask: "%d" in a room is the client's number
	Room     string   `json:"room"`
	Senders  int      `json:"senders"`
	Messages int      `json:"messages"` // of each sender
	Window   int      `json:"window"`   // that one sender may have on the way, where there is no rate
	Rate     float64  `json:"rate"`     // messages a second in all, whatever the server does
	Size     int      `json:"size"`     // bytes of a message's text
	Stalled  int      `json:"stalled"`  // clients at the end that send Lines, and read nothing
	Asker    string   `json:"asker"`    // a group whose first client asks Lines in turn meanwhile
	Lines    []string `json:"lines"`
	Answered string   `json:"answered"` // what stands in the last line of an answer
	Rows     string   `json:"rows"`     // what stands in the lines of an answer that are counted

	// calm: a server that was started again
	Processes []int `json:"processes"`
}

// answer is what came of an order.
type answer map[string]any

// bench is the state between orders.
type bench struct {
	target   target
	identity *identity
	groups   map[string][]*client
	tickets  map[string]*ticket
	storm    *storm
	loop     *loop
}

func (b *bench) obey(o *order) (answer, error) {
	if o.Limit == 0 {
		o.Limit = 120
	}
	switch o.Do {
	case "dial":
		return b.dial(o)
	case "join":
		return b.move(o, "JOIN")
	case "part":
		return b.move(o, "PART")
	case "quit":
		return b.quit(o)
	case "talk":
		return b.talk(o)
	case "direct":
		return b.direct(o)
	case "ask":
		return b.ask(o)
	case "storm":
		return b.raise(o)
	case "calm":
		return b.calm(o)
	case "close":
		b.drop(o.Group)
		return answer{}, nil
	}
	return nil, errors.New("there is no such order: " + o.Do)
}

// clients are those of a group that the order names: from its first number on, so many.
func (b *bench) clients(o *order) ([]*client, error) {
	all := b.groups[o.Group]
	end := len(all)
	if o.Count > 0 {
		end = o.First + o.Count
	}
	if o.First >= len(all) || end > len(all) {
		return nil, fmt.Errorf("group %q has %d clients", o.Group, len(all))
	}
	return all[o.First:end], nil
}

func (b *bench) drop(group string) {
	for _, c := range b.groups[group] {
		b.loop.remove(c)
		c.close()
	}
	delete(b.groups, group)
}

func run() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	b := &bench{groups: map[string][]*client{}, tickets: map[string]*ticket{}}
	var err error
	if b.loop, err = newLoop(); err != nil {
		return err
	}
	if !in.Scan() {
		return in.Err()
	}
	if err = json.Unmarshal(in.Bytes(), &b.target); err != nil {
		return err
	}
	if b.identity, err = newIdentity(&b.target); err != nil {
		return err
	}
	fmt.Println("{}")
	for in.Scan() {
		var o order
		if err = json.Unmarshal(in.Bytes(), &o); err != nil {
			return err
		}
		result, err := b.obey(&o)
		if err != nil {
			result = answer{"error": err.Error()}
		}
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
		runtime.GC()
	}
	return in.Err()
}

func main() {
	debug.SetGCPercent(400)
	runtime.LockOSThread()
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
		files.Cur = files.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// started is when the program began: times are nanoseconds since then.
var started = time.Now()

func now() int64 { return int64(time.Since(started)) }
