package main

import (
	"bytes"
	"errors"
	"math"
)

// talk lets the senders of a group say their messages: each with so many on the way, where
// a message is on the way until everybody has it; or at a rate, whatever the server does.
// Then time counts from when a message was due.
type talk struct {
	bench  *bench
	order  *order
	active []*client
	copies int // of each message
	sent   []int
	since  []int64 // by sender and number: when it was sent, or due
	left   []int   // likewise: how many have not got it
	taken  []int64
	tally  *tally
	line   []byte
	asker  *asker
}

func (b *bench) talk(o *order) (answer, error) {
	all, err := b.clients(o)
	if err != nil {
		return nil, err
	}
	active := all[:len(all)-o.Stalled]
	for _, c := range all[len(active):] {
		b.loop.remove(c)
		for _, line := range o.Lines {
			if err := c.send(line); err != nil {
				return nil, err
			}
		}
	}
	echoes := active[0].granted["echo-message"]
	copies := len(active) - 1
	if isPrivate(o) {
		copies = 0
	}
	if echoes {
		copies++
	}
	if copies == 0 {
		return nil, errors.New("nobody hears what is said: the server has no echo-message")
	}
	if o.Senders == 0 || o.Senders > len(active) {
		o.Senders = len(active)
	}
	total := o.Senders * o.Messages
	t := &talk{
		bench: b, order: o, active: active, copies: copies,
		sent: make([]int, o.Senders), since: make([]int64, total), left: make([]int, total),
		taken: make([]int64, 0, total*copies),
		tally: newTally(len(active), o.Senders),
	}
	for i := range t.left {
		t.left[i] = copies
	}
	if o.Asker != "" {
		asking := *o
		asking.Group, asking.First, asking.Count = o.Asker, 0, 1
		who, err := b.clients(&asking)
		if err != nil {
			return nil, err
		}
		t.asker = &asker{order: o, client: who[0]}
	}
	return t.run()
}

func (t *talk) run() (answer, error) {
	o, l := t.order, t.bench.loop
	expected := len(t.left) * t.copies
	t.bench.rest()
	l.hear = t.hear
	defer func() { l.hear = ignore }()
	done := func() bool { return t.tally.delivered >= expected }
	meter := t.bench.measure()
	var tick func(int64) int64
	if o.Rate > 0 {
		tick = t.clock(now())
	} else {
		for range min(o.Window, o.Messages) {
			for sender := range o.Senders {
				t.say(sender, now())
			}
		}
	}
	if t.asker != nil {
		t.asker.next(l)
	}
	err := l.run(o.Limit, done, tick)
	a := meter.stop(answer{"messages": len(t.left)})
	if t.asker != nil {
		t.asker.isOver = true
		spread(a, "asked", t.asker.taken)
		a["answers"] = len(t.asker.taken)
		a["rows"] = t.asker.rows
	}
	if err == nil {
		// What comes twice, comes before the answer to a PING.
		err = l.settle(t.active, o.Limit, t.hear)
	}
	t.tally.tell(a, expected)
	spread(a, "latency", t.taken)
	if err != nil {
		a["fault"] = err.Error()
	}
	return a, nil
}

// clock says what is due, and returns when the next one is.
func (t *talk) clock(begun int64) func(int64) int64 {
	next, gap := 0, 1e9/t.order.Rate
	return func(at int64) int64 {
		for next < len(t.left) {
			due := begun + int64(float64(next)*gap)
			if due > at {
				return due
			}
			t.say(next%t.order.Senders, due)
			next++
		}
		return math.MaxInt64
	}
}

func (t *talk) say(sender int, since int64) {
	number := t.sent[sender]
	if number == t.order.Messages {
		return
	}
	t.sent[sender]++
	t.since[sender*t.order.Messages+number] = since
	t.line = append(t.line[:0], "PRIVMSG "...)
	t.line = append(t.line, room(t.order, t.active[sender].number)...)
	t.line = append(t.line, " :"...)
	t.line = appendText(t.line, sender, number, t.order.Size)
	t.line = append(t.line, '\r', '\n')
	t.bench.loop.send(t.active[sender], t.line)
}

func (t *talk) hear(c *client, line []byte, at int64) {
	if t.asker != nil && c == t.asker.client {
		t.asker.hear(t.bench.loop, line, at)
		return
	}
	sender, number, is := said(line, t.order.Size)
	if !is {
		return
	}
	receiver := c.number - t.order.First
	if sender < 0 || sender >= t.order.Senders || number < 0 || number >= t.order.Messages ||
		receiver >= len(t.active) {
		t.tally.strange++
		return
	}
	t.tally.take(receiver, sender, number)
	key := sender*t.order.Messages + number
	t.taken = append(t.taken, at-t.since[key])
	t.left[key]--
	if t.left[key] == 0 && t.order.Rate == 0 {
		t.say(sender, now())
	}
}

// asker sends one line, waits until the answer ends, and sends the next.
type asker struct {
	order  *order
	client *client
	turn   int
	since  int64
	isOver bool
	taken  []int64
	rows   int
}

func (a *asker) next(l *loop) {
	line := a.order.Lines[a.turn%len(a.order.Lines)]
	a.turn++
	a.since = now()
	l.send(a.client, []byte(line+"\r\n"))
}

func (a *asker) hear(l *loop, line []byte, at int64) {
	if bytes.Contains(line, []byte(a.order.Answered)) {
		a.taken = append(a.taken, at-a.since)
		if !a.isOver {
			a.next(l)
		}
		return
	}
	if a.order.Rows != "" && bytes.Contains(line, []byte(a.order.Rows)) {
		a.rows++
	}
}

// ask lets the first client of a group ask each line once.
func (b *bench) ask(o *order) (answer, error) {
	group, err := b.clients(o)
	if err != nil {
		return nil, err
	}
	asking := &asker{order: o, client: group[0]}
	b.rest()
	b.loop.hear = func(c *client, line []byte, at int64) {
		if c == asking.client {
			asking.isOver = asking.turn == len(o.Lines)
			asking.hear(b.loop, line, at)
		}
	}
	defer func() { b.loop.hear = ignore }()
	meter := b.measure()
	asking.next(b.loop)
	done := func() bool { return len(asking.taken) == len(o.Lines) }
	err = b.loop.run(o.Limit, done, nil)
	a := meter.stop(answer{"answers": len(asking.taken), "rows": asking.rows})
	spread(a, "asked", asking.taken)
	return a, err
}
