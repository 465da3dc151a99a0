package main

import (
	"context"
	"path/filepath"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
	"github.com/spf13/cobra"
)

// entriesVerb writes boot entries.
type entriesVerb struct {
	flags.Store
	site    entries.Site
	changed func(flag string) bool
}

// Verbs are those below entries.
func (v *entriesVerb) Verbs() []cli.Verb {
	return []cli.Verb{
		{Use: "ls", Short: "list the boot entries: the default, groups, the menu", Example: "entries ls", Args: cli.NoArgs, Do: new(entriesListVerb)},
		{Use: "group NAME", Short: "say which nodes a group has", Example: "entries group compute --mac '52:54:00:00:01:*'", Long: longHelp("entries-group"), Args: cli.Exactly(1, "the group: rootbuild entries group NAME"), Do: new(entriesGroupVerb)},
		{Use: "set GROUP TAG", Short: "give the nodes of a group a root of their own", Example: "entries set compute uclibc-0123456789ab", Args: cli.Exactly(2, "a group and a tag: rootbuild entries set GROUP TAG"), Do: new(entriesSetVerb)},
		{Use: "unset GROUP", Short: "give the nodes of a group the default's root again", Example: "entries unset compute", Args: cli.Exactly(1, "the group: rootbuild entries unset GROUP"), Do: new(entriesSetVerb)},
		{Use: "off", Short: "remove the boot entries, and write none any more", Example: "entries off", Args: cli.NoArgs, Do: new(entriesOffVerb)},
	}
}

func (v *entriesVerb) AddFlags(cmd *cobra.Command) {
	v.Store.AddFlags(cmd)
	f := cmd.Flags()
	v.changed = f.Changed
	f.StringVar(&v.site.TFTP, "tftp", "", "`directory` that TFTP or HTTP serves")
	f.StringVar(&v.site.Server, "server", "", "`address` or name of the NFS server as nodes reach it (default: the server that DHCP names)")
	f.StringVar(&v.site.Export, "export", "", "`path` of the directory of node roots as nodes mount it (default: that of --nfsroot)")
	f.StringVar(&v.site.NFSOptions, "nfs-options", "", "`options` of the mount, such as vers=4.1")
	f.StringArrayVar(&v.site.Words, "word", nil, "one more `word` for the kernel's command line; may be given again")
	f.StringArrayVar(&v.site.Loaders, "loader", entries.AllLoaders, "boot `loader` to write for: grub, ipxe or pxelinux; may be given again")
	f.StringVar(&v.site.Templates, "templates", entries.SiteTemplates, "`directory` of templates that replace the embedded ones (see docs/pxe.md)")
}

func (v *entriesVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	return changeEntries(v.Store, s, func(store *nfsroot.Store) error {
		site, err := v.siteOf(store)
		if err != nil {
			return err
		}
		return store.ConfigureEntries(ctx, site)
	})
}

// siteOf is what the store has, changed by the flags that were given.
func (v *entriesVerb) siteOf(store *nfsroot.Store) (entries.Site, error) {
	site, err := store.EntriesSite()
	if err != nil {
		return site, err
	}
	first := site.TFTP == ""
	if first && v.site.TFTP == "" {
		return site, cli.UsageError{Err: nfsroot.ErrNoEntries}
	}
	given := func(flag string) bool { return first || v.changed(flag) }
	for flag, text := range map[string]struct{ to, from *string }{
		"tftp": {&site.TFTP, &v.site.TFTP}, "server": {&site.Server, &v.site.Server}, "export": {&site.Export, &v.site.Export},
		"nfs-options": {&site.NFSOptions, &v.site.NFSOptions}, "templates": {&site.Templates, &v.site.Templates},
	} {
		if given(flag) {
			*text.to = *text.from
		}
	}
	if given("word") {
		site.Words = v.site.Words
	}
	if given("loader") {
		site.Loaders = v.site.Loaders
	}
	if site.Export == "" {
		site.Export = store.Dir()
	}
	for _, dir := range []*string{&site.TFTP, &site.Templates} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return site, err
		}
	}
	if err := site.Check(); err != nil {
		return site, cli.UsageError{Err: err}
	}
	return site, nil
}

// changeEntries changes the store by f, and shows the entries that came of it.
func changeEntries(o flags.Store, s cli.Streams, f func(*nfsroot.Store) error) error {
	return o.Change(s, func(store *nfsroot.Store) error {
		if err := f(store); err != nil {
			return err
		}
		list, err := store.Entries()
		if err != nil {
			return err
		}
		return s.Tell(list, o.JSON)
	})
}

type entriesListVerb struct{ flags.Store }

func (v *entriesListVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	return flags.Look(v.Store, s, (*nfsroot.View).Entries)
}

// entriesGroupVerb defines a group, or forgets one.
type entriesGroupVerb struct {
	flags.Store
	group  entries.Group
	remove bool
}

func (v *entriesGroupVerb) AddFlags(cmd *cobra.Command) {
	v.Store.AddFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&v.group.MACs, "mac", nil, "`address` of the network card that a node boots from; may be given again")
	f.StringArrayVar(&v.group.UUIDs, "uuid", nil, "`UUID` of a machine; may be given again")
	f.StringArrayVar(&v.group.Hosts, "host", nil, "`name` that DHCP gives a node; not for pxelinux; may be given again")
	f.BoolVar(&v.remove, "remove", false, "forget the group; its nodes get the default's root")
}

func (v *entriesGroupVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	v.group.Name = args[0]
	if v.remove {
		return changeEntries(v.Store, s, func(store *nfsroot.Store) error { return store.RemoveGroup(ctx, args[0]) })
	}
	if err := v.group.Check(); err != nil {
		return cli.UsageError{Err: err}
	}
	return changeEntries(v.Store, s, func(store *nfsroot.Store) error { return store.DefineGroup(ctx, v.group) })
}

// entriesSetVerb gives a group a root, or with no tag the default's.
type entriesSetVerb struct{ flags.Tagged }

func (v *entriesSetVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	group, tag := args[0], ""
	if len(args) > 1 {
		tag = args[1]
	}
	return changeEntries(v.Store, s, func(store *nfsroot.Store) error { return store.SetGroup(ctx, group, tag) })
}

type entriesOffVerb struct{ flags.Store }

func (v *entriesOffVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	return v.Change(s, func(store *nfsroot.Store) error {
		if err := store.EndEntries(); err != nil {
			return err
		}
		s.Note("the boot entries are removed; nodes with entries of a site's own boot as before")
		return nil
	})
}
