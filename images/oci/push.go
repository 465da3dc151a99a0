package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// storeTime is how long a registry may take to store a blob after its last
// byte: one that keeps them in an object store copies it there.
const storeTime = 5 * time.Minute

// Push sends the image of a layout to a registry, and returns its digest. Only
// blobs that the repository lacks move, several at once, and the manifest last:
// a reader of the tag sees the image that was there before, or a whole one. What
// is attached to the image is sent with it.
// Bytes that are not those of their digest are an error and are not kept there.
func Push(ctx context.Context, from, to Reference, o RegistryOptions) (v1.Hash, error) {
	if o.Stall <= 0 {
		o.Stall = storeTime
	}
	h, err := push(ctx, from, to, o.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("pushing %s to %s: %w", from, to, err)
	}
	return h, nil
}

func push(ctx context.Context, from, to Reference, o RegistryOptions) (_ v1.Hash, err error) {
	switch {
	case !to.Registry():
		return v1.Hash{}, errors.New("the destination is no registry; copy layouts with --output")
	case from.Registry():
		return v1.Hash{}, errors.New("the image is in a registry; pull it first")
	}
	source, err := OpenLocal(from)
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	i, err := read(ctx, source)
	if err != nil {
		return v1.Hash{}, err
	}
	if want, ok := to.remote.(name.Digest); ok && want.DigestStr() != i.desc.Digest.String() {
		return v1.Hash{}, fmt.Errorf("the image is %s", i.desc.Digest)
	}
	p := pusher{source.Open, o.newRepository(ctx, to.remote.Context(), transport.PushScope)}
	return i.desc.Digest, p.push(ctx, i, to.remote.Identifier())
}

// sent is an image that is to be sent.
type sent struct {
	desc     v1.Descriptor
	data     []byte // of its manifest
	manifest *v1.Manifest
	attached []Artifact
}

func read(ctx context.Context, from Source) (sent, error) {
	data, d, err := from.Resolve(ctx)
	if err != nil {
		return sent{}, err
	}
	m, index, err := readManifest(data, d.MediaType)
	switch {
	case err != nil:
		return sent{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	case index != nil:
		return sent{}, fmt.Errorf("manifest %s is an index: name one of its images as @sha256:DIGEST", d.Digest)
	}
	attached, err := Artifacts(ctx, from, d.Digest, func(string) bool { return true })
	return sent{d, data, m, attached}, err
}

// pusher sends objects to a repository.
type pusher struct {
	open func(v1.Hash) (io.ReadCloser, error) // a blob, wherever it is
	to   *repository
}

func (p pusher) push(ctx context.Context, i sent, id string) error {
	d := i.desc
	if err := p.blobs(ctx, i.manifest); err != nil {
		return err
	}
	name := func(id string) error {
		return p.retry(ctx, "manifest "+d.Digest.String(), func(ctx context.Context, _ func(int)) error {
			return p.manifest(ctx, d, i.data, id)
		})
	}
	// The tag comes last: who reads it finds what is attached.
	if len(i.attached) > 0 {
		if err := name(d.Digest.String()); err != nil {
			return err
		}
		if err := p.attachments(ctx, d.Digest, i.attached); err != nil {
			return err
		}
	}
	return name(id)
}

// blobs sends what the manifest names, each once.
func (p pusher) blobs(ctx context.Context, m *v1.Manifest) error {
	if _, err := p.to.connect(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	seen := map[v1.Hash]bool{}
	for i, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		object := "layer " + d.Digest.String()
		if i == 0 {
			object = "config " + d.Digest.String()
		}
		group.Go(func() error {
			return p.retry(ctx, object, func(ctx context.Context, moved func(int)) error {
				return p.blob(ctx, d, object, moved)
			})
		})
	}
	return group.Wait()
}

func (p pusher) retry(ctx context.Context, object string, f func(ctx context.Context, moved func(int)) error) error {
	tell := func(note string) { p.to.options.Progress(Transfer{Object: object, Note: note}) }
	err := p.to.options.retry(ctx, tell, func() error { return p.to.options.watch(ctx, f) })
	if err != nil {
		return fmt.Errorf("sending %s: %w", object, err)
	}
	return nil
}

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
		return &uploadBody{newVerifier(f, d), f, moved}, nil
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
	*verifier
	io.Closer
	moved func(n int, done int64)
}

// Read implements io.Reader.
func (u *uploadBody) Read(b []byte) (int, error) {
	n, err := u.verifier.Read(b)
	u.moved(n, u.size)
	return n, err
}
