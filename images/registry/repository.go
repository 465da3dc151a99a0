package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// repository is one repository of one registry, and the connection to it.
type repository struct {
	repo      name.Repository
	options   Options
	plainHTTP bool
	connect   func() (*http.Client, error)
}

// newRepository returns a repository that connects when it is first asked, and
// only once: a mirror that is down costs its timeout once.
func (o Options) newRepository(ctx context.Context, repo name.Repository, action string) *repository {
	r := &repository{repo: repo, options: o}
	r.plainHTTP = o.PlainHTTP || o.host(repo.RegistryStr()).PlainHTTP
	r.connect = sync.OnceValues(func() (client *http.Client, err error) {
		err = r.again(ctx, "connection to "+repo.RegistryStr(), func(ctx context.Context, _ func(int)) error {
			client, err = r.login(ctx, action)
			return answered(err)
		})
		return client, err
	})
	return r
}

// login finds out how the registry wants to be asked.
func (r *repository) login(ctx context.Context, action string) (*http.Client, error) {
	auth, err := authn.Resolve(ctx, r.options.Keychain, r.repo)
	if err != nil {
		return nil, fmt.Errorf("reading credentials for %s: %w", r.repo.RegistryStr(), err)
	}
	config, err := r.options.tls(r.repo.RegistryStr())
	if err != nil {
		return nil, err
	}
	g := newGuard(r.repo.RegistryStr(), r.plainHTTP, config)
	t, err := transport.NewWithContext(ctx, r.repo.Registry, auth, g, []string{r.repo.Scope(action)})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}, nil
}

// url returns the address of an object, kind being blobs or manifests.
func (r *repository) url(kind, id string) string {
	u := url.URL{Scheme: "https", Host: r.repo.RegistryStr(), Path: "/v2/" + r.repo.RepositoryStr() + "/" + kind + "/" + id}
	if r.plainHTTP {
		u.Scheme = "http"
	}
	return u.String()
}

// ask sends a request, and is an error for any answer but those wanted.
func (r *repository) ask(req *http.Request, want ...int) (*http.Response, error) {
	client, err := r.connect()
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it repeats the address, which its caller names
	}
	if err != nil {
		return nil, answered(err)
	}
	if !slices.Contains(want, resp.StatusCode) {
		err := newStatusError(resp)
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp, nil
}

var manifestTypes = []types.MediaType{
	types.OCIManifestSchema1, types.DockerManifestSchema2, types.OCIImageIndex, types.DockerManifestList,
}

// manifest returns a manifest by its tag or digest, with what it is.
func (r *repository) manifest(ctx context.Context, id string) (data []byte, d v1.Descriptor, err error) {
	object := "manifest " + id
	if _, err := r.connect(); err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("fetching %s from %s: %w", object, r.repo, err)
	}
	err = r.again(ctx, object, func(ctx context.Context, _ func(int)) error {
		data, d, err = r.getManifest(ctx, id)
		return err
	})
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("fetching %s from %s: %w", object, r.repo, err)
	}
	return data, d, nil
}

func (r *repository) getManifest(ctx context.Context, id string) ([]byte, v1.Descriptor, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("manifests", id), nil)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	for _, t := range manifestTypes {
		req.Header.Add("Accept", string(t))
	}
	resp, err := r.ask(req, http.StatusOK)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, oci.MaxManifest+1))
	switch {
	case err != nil:
		return nil, v1.Descriptor{}, &cutError{int64(len(data)), resp.ContentLength, err}
	case len(data) > oci.MaxManifest:
		return nil, v1.Descriptor{}, fmt.Errorf("it has more than %d bytes", oci.MaxManifest)
	}
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("its type %q: %w", resp.Header.Get("Content-Type"), err)
	}
	d := oci.Describe(data, types.MediaType(t))
	// A tag says nothing of the bytes; most registries do, beside them.
	for _, want := range []string{id, resp.Header.Get("Docker-Content-Digest")} {
		if strings.HasPrefix(want, "sha256:") && d.Digest.String() != want {
			return nil, v1.Descriptor{}, &oci.DamagedError{Got: d.Digest}
		}
	}
	return data, d, nil
}

// again does what one request does, as often as may help.
func (r *repository) again(ctx context.Context, object string, f func(ctx context.Context, moved func(int)) error) error {
	tell := func(note string) { r.options.Progress(Transfer{Object: object, Note: note}) }
	return r.options.retry(ctx, tell, func() error { return r.options.watch(ctx, f) })
}
