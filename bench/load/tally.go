package main

import "bytes"

// The text of a message is "s", five digits for its sender, ".", seven digits for its number
// among the sender's, ".", and so many x that it has the size.
const textLength = 15

func appendText(b []byte, sender, number, size int) []byte {
	b = append(b, 's')
	b = appendDigits(b, sender, 5)
	b = append(b, '.')
	b = appendDigits(b, number, 7)
	b = append(b, '.')
	for i := textLength; i < size; i++ {
		b = append(b, 'x')
	}
	return b
}

func appendDigits(b []byte, n, width int) []byte {
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func digits(b []byte) (n int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// said finds sender and number in a line, if it is one of ours of that size.
func said(line []byte, size int) (sender, number int, is bool) {
	_, rest, found := bytes.Cut(line, []byte(" PRIVMSG "))
	if !found {
		return 0, 0, false
	}
	_, text, _ := bytes.Cut(rest, []byte(" "))
	if len(text) > 0 && text[0] == ':' {
		text = text[1:]
	}
	if len(text) < textLength || text[0] != 's' || len(text) != size {
		return -1, -1, true
	}
	return digits(text[1:6]), digits(text[7:14]), true
}

// tally checks that each receiver gets each message once, and those of a sender in order.
type tally struct {
	senders    int
	next       []int           // by receiver and sender: the number that is due
	missing    map[[3]int]bool // passed over: by receiver, sender and number
	delivered  int
	repeated   int
	disordered int
	strange    int // what nobody should have got, or sent
}

func newTally(receivers, senders int) *tally {
	next := make([]int, receivers*senders)
	return &tally{senders: senders, next: next, missing: map[[3]int]bool{}}
}

func (t *tally) take(receiver, sender, number int) {
	due := &t.next[receiver*t.senders+sender]
	key := [3]int{receiver, sender, number}
	switch {
	case number == *due:
		*due++
	case number > *due:
		t.disordered++
		for ; *due < number; *due++ {
			t.missing[[3]int{receiver, sender, *due}] = true
		}
		*due++
	case t.missing[key]:
		delete(t.missing, key)
	default:
		t.repeated++
		return
	}
	t.delivered++
}

func (t *tally) tell(a answer, expected int) {
	a["expected"], a["delivered"] = expected, t.delivered
	a["repeated"], a["disordered"], a["strange"] = t.repeated, t.disordered, t.strange
}
