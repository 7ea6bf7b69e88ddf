package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"
)

// loop drives all clients from one thread.  hear gets each line but PING, which the loop
// answers; the line is valid during the call.
type loop struct {
	poll    int
	clients map[int32]*client
	hear    func(c *client, line []byte, at int64)
	raw     []byte
	plain   []byte
	events  []syscall.EpollEvent
	failed  error
	records int64 // of TLS, since the last meter was started
}

func newLoop() (*loop, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &loop{
		poll: poll, clients: map[int32]*client{}, hear: ignore,
		raw: make([]byte, 256<<10), plain: make([]byte, 16<<10),
		events: make([]syscall.EpollEvent, 512),
	}, err
}

func ignore(*client, []byte, int64) {}

func (l *loop) control(operation int, c *client, events uint32) {
	event := syscall.EpollEvent{Events: events, Fd: int32(c.socket.fd)}
	_ = syscall.EpollCtl(l.poll, operation, c.socket.fd, &event)
}

// add takes a client that is registered.
func (l *loop) add(c *client) error {
	if err := c.socket.detach(); err != nil {
		return err
	}
	l.clients[int32(c.socket.fd)] = c
	l.control(syscall.EPOLL_CTL_ADD, c, syscall.EPOLLIN)
	c.socket.blocked = func(is bool) {
		events := uint32(syscall.EPOLLIN)
		if is {
			events |= syscall.EPOLLOUT
		}
		l.control(syscall.EPOLL_CTL_MOD, c, events)
	}
	return nil
}

// remove forgets a client, which stays connected; what comes is read no more.
func (l *loop) remove(c *client) {
	if c.socket == nil || !c.socket.isDetached || l.clients[int32(c.socket.fd)] != c {
		return
	}
	l.control(syscall.EPOLL_CTL_DEL, c, 0)
	delete(l.clients, int32(c.socket.fd))
	c.socket.blocked = func(bool) {}
}

func (l *loop) lose(c *client, err error) {
	l.remove(c)
	if c.lost == nil {
		c.lost = err
	}
	if l.failed == nil {
		l.failed = fmt.Errorf("%s was lost: %w", c.nick, err)
	}
}

// send is for what must not fail silently.
func (l *loop) send(c *client, line []byte) {
	if _, err := c.tls.Write(line); err != nil {
		l.lose(c, err)
	}
}

// run goes on until done says so, a client is lost, or the limit of seconds has passed.
// tick runs before each wait, and returns when it wants to run again.
func (l *loop) run(limit int, done func() bool, tick func(at int64) int64) error {
	l.failed = nil
	end := now() + int64(limit)*int64(time.Second)
	for {
		at := now()
		wake := end
		if tick != nil {
			wake = min(end, tick(at))
		}
		switch {
		case done():
			return nil
		case l.failed != nil:
			return l.failed
		case at >= end:
			return fmt.Errorf("it was not over after %d s", limit)
		}
		if err := l.step(wake); err != nil {
			return err
		}
	}
}

// pwait2 is epoll_pwait2(2), which has the same number everywhere: to the nanosecond, so that
// what is due is neither late nor awaited by turning round.  It is called raw, since nothing
// else runs meanwhile, and handing our place to other threads costs more than the call.
const pwait2 = 441

func (l *loop) wait(wake int64) (int, error) {
	limit := syscall.NsecToTimespec(min(max(wake-now(), 0), int64(time.Second)))
	count, _, failed := syscall.RawSyscall6(pwait2, uintptr(l.poll),
		uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch failed {
	case 0:
		return int(count), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, failed
}

func (l *loop) step(wake int64) error {
	count, err := l.wait(wake)
	if err != nil {
		return err
	}
	for _, event := range l.events[:count] {
		c := l.clients[event.Fd]
		if c == nil {
			continue
		}
		if event.Events&syscall.EPOLLOUT != 0 {
			if err := c.socket.flush(); err != nil {
				l.lose(c, err)
				continue
			}
		}
		if event.Events&^syscall.EPOLLOUT != 0 {
			l.read(c)
		}
	}
	return nil
}

func (l *loop) read(c *client) {
	count, err := syscall.Read(c.socket.fd, l.raw)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err != nil:
		l.lose(c, err)
		return
	case count == 0:
		l.lose(c, io.EOF)
		return
	}
	at := now()
	c.socket.in = l.raw[:count]
	for {
		n, err := c.tls.Read(l.plain)
		if n > 0 {
			l.records++
			l.split(c, l.plain[:n], at)
		}
		if err != nil {
			if passing, is := err.(net.Error); !is || !passing.Timeout() {
				l.lose(c, err)
			}
			return
		}
	}
}

// split hands over whole lines, and keeps what is none yet.
func (l *loop) split(c *client, data []byte, at int64) {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			c.rest = append(c.rest, data...)
			return
		}
		line := data[:end]
		data = data[end+1:]
		if len(c.rest) > 0 {
			line = append(c.rest, line...)
			c.rest = line[:0]
		}
		if len(line) > 0 && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		}
		if bytes.HasPrefix(line, []byte("PING ")) {
			_ = c.send("PONG " + string(line[5:]))
			continue
		}
		l.hear(c, line, at)
	}
}

// ask sends a line on each client and waits until the last line of the answer, which has
// this in it; what else comes goes to hear.
func (l *loop) ask(clients []*client, limit int, line func(*client) string, last []byte,
	hear func(*client, []byte, int64)) error {
	left := len(clients)
	for _, c := range clients {
		c.settled = false
	}
	before := l.hear
	defer func() { l.hear = before }()
	l.hear = func(c *client, got []byte, at int64) {
		if !c.settled && bytes.Contains(got, last) {
			c.settled = true
			left--
			return
		}
		hear(c, got, at)
	}
	for _, c := range clients {
		if err := c.send(line(c)); err != nil {
			return err
		}
	}
	return l.run(limit, func() bool { return left <= 0 }, nil)
}

// settle waits for the answer to a PING on each client: a server that keeps order has told
// them by then what it owed.
func (l *loop) settle(clients []*client, limit int, hear func(*client, []byte, int64)) error {
	token := fmt.Sprintf("settle%d", now())
	ping := func(*client) string { return "PING " + token }
	return l.ask(clients, limit, ping, []byte(token), hear)
}
