package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// chain is a way from the image in the registry to a tree on the disk.
type chain struct {
	name   string
	ready  string // a shell command that says whether all it takes is here
	before string // not measured
	script string
}

// chainsFor returns what is compared, all with the final sync. The floor reads
// blobs that are on the disk already and has no registry to ask: it unpacks,
// and takes both digests of each layer.
func chainsFor(o options, i pair) []chain {
	pull := func(ref string) string {
		return fmt.Sprintf("%s pull --plain-http --no-switch --progress plain --state state --nfsroot roots %s; sync -f .", o.rootbuild, ref)
	}
	const link = "--link " // the files that the root before has
	const floor = `mkdir root
for blob in %s; do
	openssl dgst -sha256 "$blob" >digest
	zstd -dcq "$blob" | tee >(openssl dgst -sha256 >diffid) | tar -xpf - -C root
done
wait
sync -f .`
	const skopeo = "skopeo --insecure-policy copy -q --src-tls-verify=false docker://%s oci:layout:1; umoci unpack --image layout:1 bundle; sync -f ."
	const podman = "podman --root $PWD/root --runroot $PWD/run --storage-driver overlay pull -q --tls-verify=false %s; sync -f ."
	const crane = "mkdir root; crane export --insecure %s - | tar -xpf - -C root; sync -f ."
	all := []chain{
		{"floor: zstd, tar, two digests", "command -v zstd && command -v openssl", "", fmt.Sprintf(floor, strings.Join(i.layers, " "))},
		{"rootbuild pull", "true", "", pull(i.first)},
		// Before 0.6 it reads no zstd.
		{"skopeo copy, umoci unpack", "command -v skopeo && umoci --version | grep -v ' 0[.][0-5][.]'", "", fmt.Sprintf(skopeo, i.first)},
		{"podman pull", "command -v podman", "", fmt.Sprintf(podman, i.first)},
		{"crane export, tar x", "command -v crane", "", fmt.Sprintf(crane, i.first)},
	}
	if i.next == "" {
		return all
	}
	return append(all,
		chain{"rootbuild pull, one layer is new", "true", pull(i.first), pull(i.next)},
		chain{"rootbuild pull --link, one layer is new", "true", pull(i.first), pull(link + i.next)})
}

// compare runs all chains in turn, as often as there are rounds, each on a file
// system of its own.
func compare(ctx context.Context, o options, i pair) error {
	fmt.Printf("%s\n\n", i)
	all := chainsFor(o, i)
	samples := map[string][]sample{}
	var fresh string
	for range o.rounds {
		for _, c := range all {
			if !strings.HasPrefix(c.name, o.only) || exec.CommandContext(ctx, "sh", "-c", c.ready).Run() != nil {
				continue
			}
			kind, err := onFresh(ctx, o.dir, "4G", func(dir string) error {
				s, err := c.run(ctx, dir)
				samples[c.name] = append(samples[c.name], s)
				fmt.Fprintf(os.Stderr, "bench: %s: %.2f s of CPU, %.2f s, %d MiB\n", c.name, s.cpu.Seconds(), s.wall.Seconds(), s.memory>>20)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fresh = kind
		}
	}
	fmt.Printf("Median of %d rounds, on %s:\n\n| chain | CPU s | wall s | MiB of memory |\n|---|---|---|---|\n", o.rounds, fresh)
	for _, c := range all {
		if len(samples[c.name]) == 0 {
			fmt.Printf("| %s | not measured | | |\n", c.name)
			continue
		}
		m := median(samples[c.name])
		fmt.Printf("| %s | %.2f | %.2f | %d |\n", c.name, m.cpu.Seconds(), m.wall.Seconds(), m.memory>>20)
	}
	return nil
}

func (c chain) run(ctx context.Context, dir string) (sample, error) {
	if c.before != "" {
		if _, err := measure(ctx, dir, c.before); err != nil {
			return sample{}, err
		}
	}
	s, err := measure(ctx, dir, c.script)
	if strings.HasPrefix(c.name, "podman") {
		// Its storage is mounted on itself.
		out, umountErr := exec.CommandContext(ctx, "sh", "-c", "umount root/overlay 2>&1 || true").CombinedOutput()
		if umountErr != nil {
			err = errors.Join(err, fmt.Errorf("unmounting podman's storage: %w: %s", umountErr, out))
		}
	}
	return s, err
}
