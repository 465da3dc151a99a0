package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// blob sends a blob unless the repository has it.
func (p pusher) blob(ctx context.Context, d v1.Descriptor, object string, moved func(int)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.to.url("blobs", d.Digest.String()), nil)
	if err != nil {
		return err
	}
	resp, err := p.to.ask(req, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode == http.StatusOK {
		return err
	}
	place, err := p.begin(ctx, d.Digest)
	if err != nil {
		return err
	}
	return p.upload(ctx, place, d, func(n int, done int64) {
		moved(n)
		p.to.options.Progress(Transfer{Object: object, Done: done, Total: d.Size})
	})
}

// begin returns where the bytes of a blob are wanted.
func (p pusher) begin(ctx context.Context, h v1.Hash) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.to.url("blobs", "uploads/"), nil)
	if err != nil {
		return "", err
	}
	resp, err := p.to.ask(req, http.StatusAccepted)
	if err != nil {
		return "", err
	}
	if err := resp.Body.Close(); err != nil {
		return "", err
	}
	place, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("the registry says no place for an upload: %w", err)
	}
	query := place.Query()
	query.Set("digest", h.String())
	place.RawQuery = query.Encode()
	return place.String(), nil
}

// upload sends the bytes in one request.
func (p pusher) upload(ctx context.Context, place string, d v1.Descriptor, moved func(n int, done int64)) error {
	open := func() (io.ReadCloser, error) {
		f, err := p.open(d.Digest)
		if err != nil {
			return nil, err
		}
		return &uploadBody{Reader: oci.NewVerifier(f, d), Closer: f, moved: moved}, nil
	}
	body, err := open()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, place, body)
	if err != nil {
		return errors.Join(err, body.Close())
	}
	req.GetBody, req.ContentLength = open, d.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	return p.finish(req)
}

func (p pusher) finish(req *http.Request) error {
	resp, err := p.to.ask(req, http.StatusCreated)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// manifest gives the image its tag.
func (p pusher) manifest(ctx context.Context, d v1.Descriptor, data []byte, id string) error {
	_, err := p.put(ctx, d, data, id)
	return err
}

// put sends a manifest and returns what the registry said with it.
func (p pusher) put(ctx context.Context, d v1.Descriptor, data []byte, id string) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.to.url("manifests", id), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", string(d.MediaType))
	resp, err := p.to.ask(req, http.StatusCreated)
	if err != nil {
		return nil, err
	}
	if got := resp.Header.Get("Docker-Content-Digest"); got != "" && got != d.Digest.String() {
		err = fmt.Errorf("the registry keeps it as %s", got)
	}
	return resp.Header, errors.Join(err, resp.Body.Close())
}

// uploadBody is a blob as it is sent. It ends with an error, which keeps the
// request from being complete, where the file is damaged.
type uploadBody struct {
	io.Reader
	io.Closer
	done  int64
	moved func(n int, done int64)
}

// Read implements io.Reader.
func (u *uploadBody) Read(b []byte) (int, error) {
	n, err := u.Reader.Read(b)
	u.done += int64(n)
	u.moved(n, u.done)
	return n, err
}
