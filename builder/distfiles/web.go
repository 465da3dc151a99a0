package distfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const (
	connectTime  = 30 * time.Second
	defaultStall = 60 * time.Second
	defaultPause = time.Second
	longestPause = time.Minute
	tries        = 3
	maxRedirects = 10
)

// web fetches files over http and https.
type web struct {
	client *http.Client
	stall  time.Duration
	pause  time.Duration
}

func newWeb(opts FetchOptions) web {
	w := web{stall: opts.Stall, pause: opts.Pause}
	if w.stall <= 0 {
		w.stall = defaultStall
	}
	if w.pause <= 0 {
		w.pause = defaultPause
	}
	w.client = &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectTime}).DialContext,
			TLSHandshakeTimeout: connectTime,
			ForceAttemptHTTP2:   true,
			// Some servers label a .tar.gz as an encoded .tar: the pinned
			// bytes are the ones that travel.
			DisableCompression: true,
		},
	}
	return w
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if from := via[len(via)-1].URL; from.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("redirect from https to %s is refused", req.URL.Redacted())
	}
	return nil
}

// get downloads address to part, from where an earlier request stopped, and
// retries what may pass.
func (w web) get(ctx context.Context, address, part string, report reporter) (resumed bool, err error) {
	pause := w.pause
	for try := 1; ; try++ {
		more, err := w.request(ctx, address, part, report)
		resumed = resumed || more
		if err == nil || try == tries || !passing(err) {
			return resumed, err
		}
		select {
		case <-time.After(max(pause, retryAfter(err))):
		case <-ctx.Done():
			return resumed, ctx.Err()
		}
		pause *= 2
	}
}

// statusError is an answer that is not the file.
type statusError struct {
	code  int
	after string // Retry-After, as sent
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%d %s", e.code, http.StatusText(e.code))
}

// cutError is a body that ended early.
type cutError struct {
	done int64
	err  error
}

func (e *cutError) Error() string { return fmt.Sprintf("cut off after %d bytes: %v", e.done, e.err) }
func (e *cutError) Unwrap() error { return e.err }

// passing says whether asking again may help. A refused connection or a missing
// file stays so, and the next origin waits.
func passing(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.code >= 500 || status.code == http.StatusTooManyRequests
	}
	var cut *cutError
	return errors.As(err, &cut) || errors.Is(err, errStalled) || errors.Is(err, errRange) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

func retryAfter(err error) time.Duration {
	var status *statusError
	if !errors.As(err, &status) {
		return 0
	}
	seconds, err := strconv.Atoi(status.after)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestPause)
}
