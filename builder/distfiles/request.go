package distfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

var (
	errStalled = errors.New("connection stalled")
	errRange   = errors.New("server sent another range than the one asked for")
)

// request asks once for what part lacks, and appends it.
func (w web) request(ctx context.Context, address, part string, report reporter) (resumed bool, err error) {
	f, err := safeopen.Own(part, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return false, storeError{err}
	}
	defer func() {
		if e := f.Close(); e != nil {
			err = errors.Join(err, storeError{e})
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(w.stall, func() {
		cancel(fmt.Errorf("%w: no byte for %s", errStalled, w.stall))
	})
	defer watchdog.Stop()

	resumed, err = w.extend(ctx, f, address, func(done, total int64) {
		watchdog.Reset(w.stall)
		report(done, total)
	})
	return resumed, causeOf(ctx, err)
}

// extend brings f from the bytes it has to the whole file.
func (w web) extend(ctx context.Context, f *os.File, address string, report reporter) (resumed bool, err error) {
	offset, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, storeError{err}
	}
	resp, err := w.ask(ctx, address, offset)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if offset > 0 && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return true, nil // these may be all the bytes there are: the checksum decides
	}
	start, err := startOf(resp, offset)
	if err != nil && !errors.Is(err, errRange) {
		return false, err
	}
	if err := errors.Join(err, restart(f, start)); err != nil {
		return false, err
	}
	_, err = io.Copy(storeWriter{f}, &body{resp, start, total(resp, start), report})
	return start > 0, err
}

func (w web) ask(ctx context.Context, address string, offset int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "rootbuild")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := w.client.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return nil, wrapped.Err // it repeats the address, which the place names
	}
	return resp, err
}

// startOf returns where in the file the answer's body begins.
func startOf(resp *http.Response, offset int64) (int64, error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return 0, nil
	case http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
			return 0, errRange
		}
		return offset, nil
	}
	return 0, &statusError{resp.StatusCode, resp.Header.Get("Retry-After")}
}

// restart drops what f holds past start, so that the body continues there.
func restart(f *os.File, start int64) error {
	err := f.Truncate(start)
	if err == nil {
		_, err = f.Seek(start, io.SeekStart)
	}
	if err != nil {
		return storeError{err}
	}
	return nil
}

// body reads an answer and reports its bytes.
type body struct {
	resp   *http.Response
	done   int64
	total  int64
	report reporter
}

func total(resp *http.Response, start int64) int64 {
	if resp.ContentLength < 0 {
		return 0
	}
	return start + resp.ContentLength
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.resp.Body.Read(p)
	b.done += int64(n)
	if n > 0 {
		b.report(b.done, b.total)
	}
	if err != nil && err != io.EOF {
		err = &cutError{b.done, err}
	}
	return n, err
}

// causeOf tells a stall from the cancelled request that it shows as.
func causeOf(ctx context.Context, err error) error {
	if err == nil || errors.As(err, new(storeError)) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
