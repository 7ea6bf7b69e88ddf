package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// identity is what every client shows, and whom it trusts.
type identity struct {
	roots       *x509.CertPool
	certificate tls.Certificate
}

func newIdentity(t *target) (*identity, error) {
	pem, err := os.ReadFile(t.Authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + t.Authority)
	}
	certificate, err := tls.LoadX509KeyPair(t.Certificate, t.Certificate)
	return &identity{roots, certificate}, err
}

// ticket remembers the newest session ticket of one client, whatever the server is called.
type ticket struct {
	mutex sync.Mutex
	state *tls.ClientSessionState
}

func (t *ticket) Get(string) (*tls.ClientSessionState, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.state, t.state != nil
}

func (t *ticket) Put(_ string, state *tls.ClientSessionState) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.state = state
}

func (id *identity) config(t *ticket) *tls.Config {
	config := &tls.Config{
		RootCAs:    id.roots,
		ServerName: "localhost",
		MinVersion: tls.VersionTLS13,
		// All servers do the same work, also those which know a post-quantum exchange.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		// Whatever authorities the server names.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &id.certificate, nil
		},
	}
	if t != nil {
		config.ClientSessionCache = t
	}
	return config
}

// dry is what crypto/tls meets where the loop has no more for it: an error that passes.
type dry struct{}

func (dry) Error() string   { return "nothing to read yet" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }

// socket is what a tls.Conn reads from and writes to.  It begins as an ordinary connection
// that blocks; once detached, the loop feeds it, and writes go straight to the descriptor.
type socket struct {
	net.Conn
	fd         int
	isDetached bool
	in         []byte     // ciphertext for crypto/tls to take
	out        []byte     // ciphertext that the kernel did not take yet
	blocked    func(bool) // told when out begins, and when it ends
}

func (s *socket) Read(p []byte) (int, error) {
	if !s.isDetached {
		return s.Conn.Read(p)
	}
	if len(s.in) == 0 {
		return 0, dry{}
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *socket) Write(p []byte) (int, error) {
	if !s.isDetached {
		return s.Conn.Write(p)
	}
	sent := 0
	if len(s.out) == 0 {
		n, err := syscall.Write(s.fd, p)
		if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
			return 0, err
		}
		sent = max(n, 0)
	}
	if sent < len(p) {
		if len(s.out) == 0 {
			s.blocked(true)
		}
		s.out = append(s.out, p[sent:]...)
	}
	return len(p), nil
}

// flush writes what waited.
func (s *socket) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	n, err := syscall.Write(s.fd, s.out)
	if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
		return err
	}
	s.out = s.out[max(n, 0):]
	if len(s.out) == 0 {
		s.out = nil
		s.blocked(false)
	}
	return nil
}

// detach takes the descriptor out of Go's own poller.  TCP_NODELAY stays, which Go sets.
func (s *socket) detach() error {
	raw, err := s.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err = raw.Control(func(fd uintptr) { s.fd, failed = syscall.Dup(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	syscall.CloseOnExec(s.fd)
	s.isDetached = true
	_ = s.Conn.Close()
	return syscall.SetNonblock(s.fd, true)
}

func (s *socket) Close() error {
	if !s.isDetached {
		return s.Conn.Close()
	}
	return syscall.Close(s.fd)
}

func (s *socket) SetDeadline(t time.Time) error {
	if s.isDetached {
		return nil
	}
	return s.Conn.SetDeadline(t)
}

func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
