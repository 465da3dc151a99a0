package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/rootbuild/rootbuild/images/oci"
)

const (
	tries        = 5
	damagedTries = 2 // of a whole object whose bytes came wrong
	defaultStall = time.Minute
	defaultPause = time.Second
	longestPause = time.Minute
	// slowest is what must move within the stall time, in bytes, so that a
	// server which sends one now and then cannot hold a pull for ever.
	slowest = 16 << 10
)

// statusError is an answer other than the one wanted.
type statusError struct {
	code    int
	problem string // code of the registry's API, or ""
	after   time.Duration
}

// Error implements error.
func (e *statusError) Error() string {
	s := fmt.Sprintf("%d %s", e.code, http.StatusText(e.code))
	if e.problem != "" {
		s += " (" + e.problem + ")"
	}
	if e.code == http.StatusUnauthorized || e.code == http.StatusForbidden {
		s += ": log in with docker login or skopeo login, or ask for the rights"
	}
	return s
}

var problemCode = regexp.MustCompile(`"code"\s*:\s*"([A-Z_]{1,40})"`)

// newStatusError reads an answer, of which only the registry's code is shown:
// the rest is text of a stranger.
func newStatusError(resp *http.Response) *statusError {
	e := &statusError{code: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"))}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if found := problemCode.FindSubmatch(text); err == nil && found != nil {
		e.problem = string(found[1])
	}
	return e
}

// retryAfter reads seconds, or a date.
func retryAfter(s string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(s); err == nil {
		wait = time.Duration(min(seconds, int(longestPause/time.Second))) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		wait = time.Until(at)
	}
	return max(0, min(wait, longestPause))
}

// cutError is an answer that ended early.
type cutError struct {
	done, want int64
	err        error
}

// Error implements error.
func (e *cutError) Error() string {
	return fmt.Sprintf("cut off after %d of %d bytes: %v", e.done, e.want, e.err)
}

// Unwrap returns what cut the answer off.
func (e *cutError) Unwrap() error { return e.err }

var errStalled = errors.New("the connection stalled")

// passing says whether asking again may help. A refused connection or a missing
// object stays so.
func passing(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.code >= 500 || status.code == http.StatusTooManyRequests || status.code == http.StatusRequestTimeout
	}
	var cut *cutError
	var damaged *oci.DamagedError
	return errors.As(err, &cut) || errors.As(err, &damaged) || errors.Is(err, errStalled) || errors.Is(err, errRange) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Unreachable says whether an error is of the way to a registry, or of the registry
// itself, and not of what it holds.
func Unreachable(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.code != http.StatusNotFound
	}
	var damaged *oci.DamagedError
	var asked *url.Error
	var network *net.OpError
	return errors.As(err, &asked) || errors.As(err, &network) || passing(err) && !errors.As(err, &damaged)
}

// retry calls f until it succeeds, or fails for good, or too often. It tells
// before each pause.
func (o Options) retry(ctx context.Context, tell func(string), f func() error) error {
	pause, wrong := o.Pause, 0
	for try := 1; ; try++ {
		err := f()
		if err == nil || ctx.Err() != nil || !passing(err) {
			return err
		}
		var damaged *oci.DamagedError
		if errors.As(err, &damaged) {
			wrong++
		}
		if try == tries || wrong == damagedTries {
			return fmt.Errorf("%w; gave up after %d tries", err, try)
		}
		var status *statusError
		wait := pause
		if errors.As(err, &status) {
			wait = max(pause, status.after)
		}
		tell(fmt.Sprintf("%v; trying again in %s", err, wait))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, longestPause)
	}
}

// watch ends f when it reports too little progress within the stall time.
func (o Options) watch(ctx context.Context, f func(ctx context.Context, moved func(n int)) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dog := time.AfterFunc(o.Stall, func() {
		cancel(fmt.Errorf("%w: less than %d KiB in %s", errStalled, slowest>>10, o.Stall))
	})
	defer dog.Stop()
	sum := 0
	err := f(ctx, func(n int) {
		if sum += n; sum >= slowest {
			sum = 0
			dog.Reset(o.Stall)
		}
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// errorCode is the form of those that registries know; others are quoted.
var errorCode = regexp.MustCompile(`^[A-Z_]{1,40}$`)

// answered turns an error of the client library into ours.
func answered(err error) error {
	// It asks some hosts by http too, and tells of both: the first counts.
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &network) {
		err = network
	} else if errors.As(err, &certificate) {
		err = certificate
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused
	}
	var status *transport.Error
	if errors.As(err, &status) {
		e := &statusError{code: status.StatusCode}
		if len(status.Errors) > 0 {
			if e.problem = string(status.Errors[0].Code); !errorCode.MatchString(e.problem) {
				e.problem = fmt.Sprintf("%.80q", e.problem)
			}
		}
		return e
	}
	return err
}
