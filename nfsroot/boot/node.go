package boot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// node is a booted node, reached by ssh as root.
type node struct {
	client  *ssh.Client
	hostKey ssh.PublicKey
}

// errRefused marks a login that no further try can make succeed.
var errRefused = errors.New("the node refuses the key")

// login tries until the node takes the key, or ctx ends.
func login(ctx context.Context, address string, k key) (*node, error) {
	for {
		n, err := dial(ctx, address, k)
		if err == nil || errors.Is(err, errRefused) {
			return n, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), explain(err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// explain says what a connection means that ends before it spoke: QEMU takes
// it on the node's behalf, and closes it when the node refuses.
func explain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("nothing answers on the node's port 22, no ssh server runs (%w)", err)
	}
	return err
}

// handshaking is how long one login may take: an emulated machine is slow.
const handshaking = 20 * time.Second

func dial(ctx context.Context, address string, k key) (*node, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(handshaking)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	n := &node{}
	// The node's key is new with every boot: it is taken as it comes, and held to.
	take := func(_ string, _ net.Addr, key ssh.PublicKey) error { n.hostKey = key; return nil }
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(k.signer)}, HostKeyCallback: take,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA256},
	})
	if err != nil {
		_ = conn.Close()
		if strings.Contains(err.Error(), "unable to authenticate") {
			return nil, fmt.Errorf("%w: %w", errRefused, err)
		}
		return nil, err
	}
	n.client = ssh.NewClient(c, channels, requests)
	return n, conn.SetDeadline(time.Time{})
}

func (n *node) close() { _ = n.client.Close() }

// know writes the node's host key to a file as ssh reads it.
func (n *node) know(file, address string) error {
	line := knownhosts.Line([]string{address}, n.hostKey) + "\n"
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		return fmt.Errorf("writing the node's host key: %w", err)
	}
	return nil
}

// run has the node's shell run a text and returns what it printed. An error
// says the last line of that. A node that hangs is not waited for: what was
// begun ends with the connection.
func (n *node) run(ctx context.Context, script string) (string, error) {
	type answer struct {
		out string
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		out, err := n.ask(script)
		answers <- answer{out, err}
	}()
	select {
	case a := <-answers:
		return a.out, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (n *node) ask(script string) (string, error) {
	session, err := n.client.NewSession()
	if err != nil {
		return "", fmt.Errorf("opening a session: %w", err)
	}
	defer session.Close()
	var out bytes.Buffer
	session.Stdout = &out
	err = session.Run("exec 2>&1\n" + script)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		err = errors.New(cmp.Or(lastLine(out.String()), fmt.Sprintf("status %d", exit.ExitStatus())))
	}
	return out.String(), err
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// fingerprint is a key as ssh shows it.
func fingerprint(k ssh.PublicKey) string { return k.Type() + " " + ssh.FingerprintSHA256(k) }
