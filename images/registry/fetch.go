package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

var errRange = errors.New("the registry sent another range than the one asked for")

// enough is the progress, in bytes, after which a break counts as the first.
const enough = 1 << 20

// fill brings a part to the whole blob, checked.
func (r *repository) fill(ctx context.Context, p *part, object string) error {
	if _, err := r.connect(); err != nil {
		return err
	}
	tell := func(note string) {
		r.options.Progress(Transfer{Object: object, Done: p.size, Total: p.want.Size, Note: note})
	}
	for {
		before := p.size
		err := r.options.retry(ctx, tell, func() error { return r.extend(ctx, p, object) })
		var cut *cutError
		if !errors.As(err, &cut) || p.size-before < enough || ctx.Err() != nil {
			return err
		}
	}
}

// extend asks once for what a part lacks. One with wrong bytes begins anew: they
// may be of two places, or of a disk that lost some.
func (r *repository) extend(ctx context.Context, p *part, object string) error {
	err := r.options.watch(ctx, func(ctx context.Context, moved func(int)) error {
		if p.rest() == 0 {
			return nil
		}
		return r.request(ctx, p, func(n int) {
			moved(n)
			r.options.Progress(Transfer{Object: object, Done: p.size + int64(n), Total: p.want.Size})
		})
	})
	if err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return errors.Join(err, p.restart())
	}
	return nil
}

func (r *repository) request(ctx context.Context, p *part, moved func(int)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("blobs", p.want.Digest.String()), nil)
	if err != nil {
		return err
	}
	if p.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	}
	resp, err := r.ask(req, http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := p.align(resp); err != nil {
		return err
	}
	return p.read(resp, moved)
}

// align makes the part end where the answer begins.
func (p *part) align(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusOK:
		if p.size == 0 {
			return nil
		}
		return p.restart()
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", p.size)):
		return nil
	}
	return errors.Join(errRange, p.restart())
}

// read takes no more than the blob has: what comes after is the server's fault,
// and would fill the disk.
func (p *part) read(resp *http.Response, moved func(int)) error {
	rest := p.rest()
	if resp.ContentLength > rest {
		return fmt.Errorf("the registry sends %d bytes of %d", resp.ContentLength, rest)
	}
	body := &watched{r: resp.Body, moved: moved}
	_, err := io.CopyBuffer(p, io.LimitReader(body, rest), make([]byte, 256<<10))
	switch {
	case body.err != nil:
		return &cutError{p.size, p.want.Size, body.err}
	case err != nil:
		return err
	case p.rest() > 0:
		return &cutError{p.size, p.want.Size, io.ErrUnexpectedEOF}
	}
	if n, _ := io.ReadFull(resp.Body, make([]byte, 1)); n > 0 {
		return fmt.Errorf("the registry sends more than the %d bytes of the manifest", p.want.Size)
	}
	return nil
}

// watched tells of what is read, and keeps the error of the network apart from
// that of the disk.
type watched struct {
	r     io.Reader
	moved func(int)
	err   error
}

// Read implements io.Reader.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	w.moved(n)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.err = err
	}
	return n, err
}

// fetch brings a blob that the layout lacks, from the first place that has it.
func fetch(ctx context.Context, from []*repository, d v1.Descriptor, to *oci.Layout, object string) (err error) {
	p, err := openPart(to, d)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", object, err)
	}
	var errs []error
	for _, r := range from {
		err := r.fill(ctx, p, object)
		if err == nil {
			return p.keep()
		}
		errs = append(errs, fmt.Errorf("from %s: %w", r.repo, err))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(fmt.Errorf("fetching %s: %w", object, errors.Join(errs...)), p.leave())
}
