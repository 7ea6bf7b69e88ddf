package main

// direct lets pairs of clients, 0 and 1, 2 and 3, say something to each other in turn: the
// even one so many messages, the odd one an answer to each.
func (b *bench) direct(o *order) (answer, error) {
	group, err := b.clients(o)
	if err != nil {
		return nil, err
	}
	clients := group[:len(group)&^1]
	copies := 1
	if clients[0].granted["echo-message"] {
		copies = 2
	}
	messages := len(clients) * o.Messages
	sent := make([]int, len(clients))
	since := make([]int64, len(clients))
	trips := make([]int64, 0, messages/2)
	checked := newTally(len(clients), len(clients))
	line := []byte{}
	say := func(i int) {
		line = append(append(line[:0], "PRIVMSG "...), clients[i^1].nick...)
		line = append(line, " :"...)
		line = appendText(line, i, sent[i], o.Size)
		line = append(line, '\r', '\n')
		sent[i]++
		since[i] = now()
		b.loop.send(clients[i], line)
	}
	hear := func(c *client, line []byte, at int64) {
		from, number, is := said(line, o.Size)
		if !is {
			return
		}
		i := c.number - o.First
		if from < 0 || number < 0 || number >= o.Messages || from>>1 != i>>1 {
			checked.strange++
			return
		}
		checked.take(i, from, number)
		switch {
		case from == i: // an echo
		case i&1 == 1:
			say(i)
		default:
			trips = append(trips, at-since[i])
			if sent[i] < o.Messages {
				say(i)
			}
		}
	}
	b.rest()
	b.loop.hear = hear
	defer func() { b.loop.hear = ignore }()
	meter := b.measure()
	for i := 0; i < len(clients); i += 2 {
		say(i)
	}
	done := func() bool { return checked.delivered >= messages*copies }
	err = b.loop.run(o.Limit, done, nil)
	a := meter.stop(answer{"messages": messages})
	if err == nil {
		err = b.loop.settle(clients, o.Limit, hear)
	}
	checked.tell(a, messages*copies)
	spread(a, "latency", trips)
	if err != nil {
		a["fault"] = err.Error()
	}
	return a, nil
}
