package main

import (
	"errors"
	"fmt"

	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

// statementOptions are the flags of a statement that an image was built again.
type statementOptions struct {
	key        string
	repository string
}

func (o *statementOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.key, "statement", "", "private key: where the images are identical, sign that they are, and keep it beside the image")
	f.StringVar(&o.repository, "for", "", "repository that the statement is meant for, HOST/REPOSITORY (default: the one of the image)")
}

// check refuses what could be told only after hours, and reads the key.
func (o statementOptions) check(packages []string) (*trust.PrivateKey, error) {
	switch {
	case o.key == "" && o.repository != "":
		return nil, usageError{errors.New("--for without --statement KEY")}
	case o.key == "":
		return nil, nil
	case len(packages) > 0:
		return nil, usageError{errors.New("--statement is of a whole image: leave --packages out")}
	}
	if o.repository != "" {
		if _, err := parseRegistry(o.repository + ":tag"); err != nil {
			return nil, usageError{fmt.Errorf("--for %q: want HOST/REPOSITORY", o.repository)}
		}
	}
	return readPrivateKey(o.key)
}
