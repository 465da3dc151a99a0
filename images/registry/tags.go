package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/rootbuild/rootbuild/images/oci"
)

// maxTagPages bounds a list of tags. Registries have a hundred to a thousand on a page.
const maxTagPages = 1000

// Tags returns the tags of the repository that a reference is in, as the registry itself
// knows them, in its order; none where there is no such repository.
func Tags(ctx context.Context, ref oci.Reference, o Options) (tags []string, err error) {
	err = o.open(ctx, ref, func(s oci.Source) error {
		from, ok := s.(source)
		if !ok {
			return errors.New("it is in no registry")
		}
		tags, err = from.places[len(from.places)-1].tags(ctx)
		return err
	})
	var status *statusError
	if errors.As(err, &status) && status.code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the tags of %s: %w", ref.Repository(), err)
	}
	return tags, nil
}

func (r *repository) tags(ctx context.Context) (all []string, err error) {
	if _, err := r.connect(); err != nil {
		return nil, err
	}
	next := r.url("tags", "list") + "?n=1000"
	for page := 0; next != ""; page++ {
		if page == maxTagPages {
			return nil, fmt.Errorf("there are more than %d pages of them", maxTagPages)
		}
		var some []string
		at := next
		err := r.again(ctx, "tags", func(ctx context.Context, _ func(int)) (err error) {
			some, next, err = r.tagPage(ctx, at)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// tagPage returns one page of the list, and where the next one is.
func (r *repository) tagPage(ctx context.Context, from string) ([]string, string, error) {
	data, next, err := r.page(ctx, from, "application/json")
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, "", fmt.Errorf("reading a page of them: %w", err)
	}
	return page.Tags, next, nil
}
