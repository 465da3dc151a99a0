package distfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxPage bounds what is read of a page that lists releases, in bytes.
const maxPage = 4 << 20

// headers asks an address for nothing but its answer's header.
func (w web) headers(ctx context.Context, method, address string) error {
	return w.answer(ctx, method, address, func(*http.Response) error { return nil })
}

// page returns the text at an address, and where redirects led.
func (w web) page(ctx context.Context, address string) (text []byte, at *url.URL, err error) {
	err = w.answer(ctx, http.MethodGet, address, func(resp *http.Response) (err error) {
		at = resp.Request.URL
		text, err = io.ReadAll(io.LimitReader(resp.Body, maxPage))
		return err
	})
	return text, at, err
}

// answer has a good answer read, and asks again where that may help.
func (w web) answer(ctx context.Context, method, address string, read func(*http.Response) error) error {
	pause := w.pause
	for try := 1; ; try++ {
		err := w.answerOnce(ctx, method, address, read)
		if err == nil || try == tries || !passing(err) {
			return err
		}
		select {
		case <-time.After(max(pause, retryAfter(err))):
			pause *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// answerOnce gives all of it the time that a connection may stall: no page is
// long.
func (w web) answerOnce(ctx context.Context, method, address string, read func(*http.Response) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.stall, fmt.Errorf("%w: no answer for %s", errStalled, w.stall))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "rootbuild")
	resp, err := w.client.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it repeats the address, which the place names
	}
	if err != nil {
		return causeOf(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &statusError{resp.StatusCode, resp.Header.Get("Retry-After")}
	}
	return causeOf(ctx, read(resp))
}
