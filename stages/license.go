package stages

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	wordsForm   = regexp.MustCompile(`^\S(.*\S)?$`)
	licenseWord = regexp.MustCompile(`[()]|[^\s()]+`)
	licenseForm = regexp.MustCompile(`^(DocumentRef-[0-9A-Za-z.-]+:)?[0-9A-Za-z.-]+\+?$`)
)

// license reads an SPDX expression: the SBOM of an image repeats it, and what
// reads that refuses the whole document for another text.
func (d *decoder) license(n *yaml.Node) {
	if d.Match(&d.recipe.License, wordsForm, "an SPDX expression")(n); d.recipe.License == "" {
		return
	}
	if _, err := licenseIDs(d.recipe.License); err != nil {
		d.Faultf(n.Line, "license %q is not an SPDX expression: %s", d.recipe.License, err)
	}
}

// licenseIDs returns the licences and exceptions that an SPDX expression names,
// in its order. Which of them SPDX lists is not looked up.
func licenseIDs(expression string) ([]string, error) {
	p := licenseParser{words: licenseWord.FindAllString(expression, -1)}
	err := p.expression()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("%q where AND, OR, WITH or the end should be", p.words[0])
	}
	return p.ids, err
}

// licenseParser walks over the words of an expression.
type licenseParser struct {
	words []string
	ids   []string
}

// next takes the next word if it is one of those wanted.
func (p *licenseParser) next(wanted ...string) bool {
	for _, w := range wanted {
		if len(p.words) > 0 && p.words[0] == w {
			p.words = p.words[1:]
			return true
		}
	}
	return false
}

// expression is terms between AND and OR. Which of the two binds closer matters
// for the meaning, and not for the form.
func (p *licenseParser) expression() error {
	if err := p.term(); err != nil {
		return err
	}
	for p.next("AND", "OR") {
		if err := p.term(); err != nil {
			return err
		}
	}
	return nil
}

func (p *licenseParser) term() error {
	if p.next("(") {
		if err := p.expression(); err != nil {
			return err
		}
		if !p.next(")") {
			return errors.New(`")" is missing`)
		}
		return nil
	}
	if err := p.id("a licence"); err != nil {
		return err
	}
	if p.next("WITH") {
		return p.id("an exception")
	}
	return nil
}

func (p *licenseParser) id(what string) error {
	if len(p.words) == 0 {
		return fmt.Errorf("it ends where %s should be", what)
	}
	word := p.words[0]
	switch word {
	case "AND", "OR", "WITH", "(", ")":
		return fmt.Errorf("%q where %s should be", word, what)
	}
	if !licenseForm.MatchString(word) {
		return fmt.Errorf("%q is not an identifier", word)
	}
	p.words, p.ids = p.words[1:], append(p.ids, word)
	return nil
}

// licenseRef says whether an identifier is not of SPDX's list: a document that
// uses it has to say what it is.
func licenseRef(id string) bool { return strings.HasPrefix(id, "LicenseRef-") }
