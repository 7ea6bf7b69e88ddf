package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

// client is one connection.
type client struct {
	number  int
	nick    string
	socket  *socket
	tls     *tls.Conn
	rest    []byte          // an incomplete line
	granted map[string]bool // capabilities
	resumed bool
	taken   int64 // from connect(2) until the welcome, or the first line, in nanoseconds
	lost    error
	settled bool // what the loop waits for has come
}

func (c *client) send(line string) error {
	_, err := c.tls.Write([]byte(line + "\r\n"))
	return err
}

// readLine waits for a line; only for a socket that is not detached.
func (c *client) readLine(buffer []byte) (string, error) {
	for {
		if end := bytes.IndexByte(c.rest, '\n'); end >= 0 {
			line := string(bytes.TrimRight(c.rest[:end], "\r"))
			c.rest = append(c.rest[:0], c.rest[end+1:]...)
			return line, nil
		}
		n, err := c.tls.Read(buffer)
		c.rest = append(c.rest, buffer[:n]...)
		if n == 0 && err != nil {
			return "", err
		}
	}
}

// words are command and parameters of a line, without tags and source.
func words(line string) []string {
	if strings.HasPrefix(line, "@") {
		_, line, _ = strings.Cut(line, " ")
	}
	if strings.HasPrefix(line, ":") {
		_, line, _ = strings.Cut(line, " ")
	}
	head, text, hasText := strings.Cut(line, " :")
	found := strings.Fields(head)
	if hasText {
		found = append(found, text)
	}
	return found
}

// refusals are the replies that end a registration.
var refusals = map[string]bool{
	"400": true, "432": true, "433": true, "436": true, "437": true, "451": true, "462": true,
	"464": true, "465": true, "902": true, "904": true, "905": true, "906": true, "908": true,
	"ERROR": true, "FAIL": true,
}

// register talks until the welcome, or the first line where the order is brief.
func (c *client) register(o *order) error {
	logsIn := o.Account != ""
	wanted := strings.Fields(o.Capabilities)
	if logsIn {
		wanted = append(wanted, "sasl")
	}
	hello := "NICK " + c.nick + "\r\nUSER " + c.nick + " 0 * :load"
	if len(wanted) > 0 || o.Brief {
		hello = "CAP LS 302\r\n" + hello
	}
	if err := c.send(hello); err != nil {
		return err
	}
	offered := map[string]bool{}
	buffer := make([]byte, 16<<10)
	for {
		line, err := c.readLine(buffer)
		if err != nil {
			return err
		}
		w := words(line)
		if len(w) == 0 {
			continue
		}
		last := w[len(w)-1]
		switch {
		case w[0] == "PING":
			err = c.send("PONG :" + last)
		case refusals[w[0]]:
			return errors.New(line)
		case o.Brief || w[0] == "001":
			return nil
		case w[0] == "CAP" && w[2] == "LS":
			for _, word := range strings.Fields(last) {
				name, _, _ := strings.Cut(word, "=")
				offered[name] = true
			}
			if len(w) > 4 && w[3] == "*" {
				continue
			}
			asked := []string{}
			for _, name := range wanted {
				if offered[name] {
					asked = append(asked, name)
				}
			}
			if logsIn && !offered["sasl"] {
				return errors.New("the server offers no sasl")
			}
			if len(asked) == 0 {
				err = c.send("CAP END")
			} else {
				err = c.send("CAP REQ :" + strings.Join(asked, " "))
			}
		case w[0] == "CAP" && w[2] == "ACK":
			for _, name := range strings.Fields(last) {
				c.granted[name] = true
			}
			if !logsIn {
				err = c.send("CAP END")
			} else if o.Password == "" {
				err = c.send("AUTHENTICATE EXTERNAL")
			} else {
				err = c.send("AUTHENTICATE PLAIN")
			}
		case w[0] == "CAP" && w[2] == "NAK":
			return errors.New(line)
		case w[0] == "AUTHENTICATE":
			proof := "+"
			if o.Password != "" {
				plain := "\x00" + o.Account + "\x00" + o.Password
				proof = base64.StdEncoding.EncodeToString([]byte(plain))
			}
			err = c.send("AUTHENTICATE " + proof)
		case w[0] == "903":
			err = c.send("CAP END")
		}
		if err != nil {
			return err
		}
	}
}

// connect makes one client that is registered, and still blocks.
func (b *bench) connect(o *order, number int) *client {
	c := &client{number: number, nick: o.Group + strconv.Itoa(number), granted: map[string]bool{}}
	var kept *ticket
	if o.Resume {
		kept = b.tickets[c.nick]
	}
	begun := now()
	limit := time.Duration(o.Limit) * time.Second
	tcp, err := (&net.Dialer{Timeout: limit, KeepAlive: -1}).Dial("tcp", b.target.Address)
	if err != nil {
		c.lost = err
		return c
	}
	_ = tcp.SetDeadline(time.Now().Add(limit))
	c.socket = &socket{Conn: tcp}
	c.tls = tls.Client(c.socket, b.identity.config(kept))
	if c.lost = c.tls.Handshake(); c.lost == nil {
		c.resumed = c.tls.ConnectionState().DidResume
		c.lost = c.register(o)
	}
	c.taken = now() - begun
	if c.lost != nil {
		_ = tcp.Close()
	}
	return c
}

// close ends a connection as TLS wants it, unless it has ended.
func (c *client) close() {
	if c.socket == nil {
		return
	}
	if c.lost == nil {
		_ = c.tls.Close() // which closes the socket
	} else {
		_ = c.socket.Close()
	}
}
