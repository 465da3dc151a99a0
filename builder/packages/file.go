package packages

import (
	"errors"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
)

// LoadPlaces reads `packages: [PLACE, ...]`, if there is such a file.
func LoadPlaces(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var places []string
	d := images.NewDecoder(file)
	d.Document(text, images.Fields{"packages": d.List(func(n *yaml.Node) {
		place := ""
		d.String(&place)(n)
		places = append(places, place)
	})})
	return places, d.Err()
}
