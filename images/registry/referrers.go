package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// maxPages bounds the list of what refers to an image.
const maxPages = 20

// referrersTag is where clients of a registry without the referrers API keep
// the list of what refers to an image, as an index.
func referrersTag(subject v1.Hash) string { return subject.Algorithm + "-" + subject.Hex }

// Referrers returns what refers to an image in any of the places: what one of
// them says counts only with a signature, and a mirror may be all there is.
func (s source) Referrers(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error) {
	var all []v1.Descriptor
	var errs []error
	for _, r := range s.places {
		list, err := r.attached(ctx, subject)
		if err != nil {
			errs = append(errs, fmt.Errorf("from %s: %w", r.repo, err))
		}
		all = append(all, list...)
	}
	if len(errs) == len(s.places) {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// attached asks for the list, and where there is no such question for the tag
// that stands for it.
func (r *repository) attached(ctx context.Context, subject v1.Hash) (list []v1.Descriptor, err error) {
	if _, err := r.connect(); err != nil {
		return nil, err
	}
	next := r.url("referrers", subject.String())
	for page := 0; next != ""; page++ {
		if page == maxPages {
			return nil, fmt.Errorf("its list of attachments has more than %d pages", maxPages)
		}
		var index *v1.IndexManifest
		at := next // the same page again, when it has to be asked for again
		err := r.again(ctx, "attachments of "+subject.String(), func(ctx context.Context, _ func(int)) (err error) {
			index, next, err = r.referrers(ctx, at)
			return err
		})
		if page == 0 && lacking(err) {
			index, err = r.tagged(ctx, subject)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, index.Manifests...)
	}
	return list, nil
}

// referrers returns one page of the list, and where the next one is.
func (r *repository) referrers(ctx context.Context, from string) (*v1.IndexManifest, string, error) {
	data, next, err := r.page(ctx, from, string(types.OCIImageIndex))
	if err != nil {
		return nil, "", err
	}
	_, index, err := oci.ReadManifest(data, types.OCIImageIndex)
	if err != nil {
		return nil, "", fmt.Errorf("reading its list of attachments: %w", err)
	}
	return index, next, nil
}

// page returns one page of a list, and where the next one is.
func (r *repository) page(ctx context.Context, from, mediaType string) (data []byte, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", mediaType)
	resp, err := r.ask(req, http.StatusOK)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(io.LimitReader(resp.Body, oci.MaxManifest+1))
	switch {
	case err != nil:
		return nil, "", &cutError{int64(len(data)), resp.ContentLength, err}
	case len(data) > oci.MaxManifest:
		return nil, "", fmt.Errorf("a page of its list has more than %d bytes", oci.MaxManifest)
	}
	return data, nextPage(resp), nil
}

var nextLink = regexp.MustCompile(`<([^>]+)>; *rel="?next`)

// nextPage reads the Link header of a page: a path of the same registry, or "".
func nextPage(resp *http.Response) string {
	found := nextLink.FindStringSubmatch(resp.Header.Get("Link"))
	if found == nil {
		return ""
	}
	next, err := resp.Request.URL.Parse(found[1])
	if err != nil || next.Host != resp.Request.URL.Host || next.Scheme != resp.Request.URL.Scheme {
		return ""
	}
	return next.String()
}

// lacking says whether an answer means that a registry has no such question, or
// no such object.
func lacking(err error) bool {
	var status *statusError
	return errors.As(err, &status) && slices.Contains([]int{http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status.code)
}

// tagged returns the index that stands for the list, empty where there is none.
func (r *repository) tagged(ctx context.Context, subject v1.Hash) (*v1.IndexManifest, error) {
	data, d, err := r.manifest(ctx, referrersTag(subject))
	if lacking(err) {
		return &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}, nil
	}
	if err != nil {
		return nil, err
	}
	_, index, err := oci.ReadManifest(data, d.MediaType)
	if err == nil && index == nil {
		err = errors.New("it is no index")
	}
	if err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", referrersTag(subject), err)
	}
	return index, nil
}

// Blob fetches a blob that fits into memory.
func (s source) Blob(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	var errs []error
	for _, r := range s.places {
		var data []byte
		err := r.again(ctx, "blob "+d.Digest.String(), func(ctx context.Context, _ func(int)) (err error) {
			data, err = r.getBlob(ctx, d)
			return err
		})
		if err == nil {
			return data, nil
		}
		errs = append(errs, fmt.Errorf("from %s: %w", r.repo, err))
	}
	return nil, errors.Join(errs...)
}

func (r *repository) getBlob(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("blobs", d.Digest.String()), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.ask(req, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var data bytes.Buffer
	if _, err := io.Copy(&data, oci.NewVerifier(resp.Body, d)); err != nil {
		var damaged *oci.DamagedError
		if errors.As(err, &damaged) {
			return nil, err
		}
		return nil, &cutError{int64(data.Len()), d.Size, err}
	}
	return data.Bytes(), nil
}
