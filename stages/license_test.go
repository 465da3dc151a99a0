package stages_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

// listed are the identifiers of SPDX's lists that the recipes use. One that is
// added was looked up at spdx.org/licenses: a document with another is refused
// by those who check it.
var listed = strings.Fields(`
	Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-4-Clause-UC GPL-2.0-only GPL-2.0-or-later
	GPL-3.0-or-later ISC LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-or-later MIT SMAIL-GPL
	X11-distribute-modifications-variant Zlib
	GCC-exception-3.1 Linux-syscall-note PCRE2-exception`)

func TestLicensesAreListed(t *testing.T) {
	recipes, err := stages.Load(images.RecipeDir{Path: "stages/recipes", FS: stages.Embedded()})
	if err != nil {
		t.Fatal(err)
	}
	operators := regexp.MustCompile(`\b(AND|OR|WITH)\b|[()]`)
	for _, name := range recipes.Names() {
		for _, id := range strings.Fields(operators.ReplaceAllString(recipes[name].License, " ")) {
			if !slices.Contains(listed, id) && !strings.HasPrefix(id, "LicenseRef-") {
				t.Errorf("%s: licence %s is not in the list of this test", recipes[name].At(), id)
			}
		}
	}
}
