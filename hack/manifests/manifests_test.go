// Package manifests_test reads the manifests of docs/examples/kubernetes as a cluster
// does, with the cluster's own code: no field that it does not know, then its defaults,
// then its validation.
package manifests_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/capabilities"
)

const dir = "../../docs/examples/kubernetes"

// As most clusters do, and as builders need it.
func TestMain(m *testing.M) {
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	m.Run()
}

func TestManifests(t *testing.T) {
	objects := map[string]runtime.Object{}
	files, err := filepath.Glob(dir + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests in %s: %v", dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, document := range strings.Split(string(text), "\n---\n") {
			object, err := read(document)
			if err != nil {
				t.Errorf("%s, document %d: %v", file, i+1, err)
				continue
			}
			objects[fmt.Sprintf("%T", object)+" "+name(object)] = object
		}
	}
	checkReferences(t, objects)
}

// A test that cannot fail says nothing of the manifests.
func TestRefused(t *testing.T) {
	text, err := os.ReadFile(dir + "/builders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown field":      {"serviceName:", "serviceNames:"},
		"value of no kind":   {"replicas: 3", "replicas: three"},
		"wrong value":        {"podManagementPolicy: Parallel", "podManagementPolicy: Sometimes"},
		"selector elsewhere": {"      labels: {app: buildkitd}\n    spec:", "      labels: {app: other}\n    spec:"},
		"no such volume":     {"{name: cache, mountPath", "{name: cash, mountPath"},
		"twice":              {"  replicas: 3", "  replicas: 3\n  replicas: 3"},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if changed == string(text) {
			t.Errorf("%s: the manifest has no %q", name, change[0])
		}
		var errs []error
		for _, document := range strings.Split(changed, "\n---\n") {
			_, err := read(document)
			errs = append(errs, err)
		}
		if errors.Join(errs...) == nil {
			t.Errorf("%s: nothing is wrong with it", name)
		}
	}
}

// read decodes one document strictly, and returns it with its defaults if it is valid.
func read(document string) (runtime.Object, error) {
	scheme := legacyscheme.Scheme
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	object, kind, err := strict.Decode([]byte(document), nil, nil)
	if err != nil {
		return nil, err
	}
	scheme.Default(object)
	inside, err := scheme.ConvertToVersion(object, runtime.InternalGroupVersioner)
	if err != nil {
		return nil, err
	}
	named, ok := inside.(interface{ SetNamespace(string) })
	if !ok {
		return nil, fmt.Errorf("%s has no namespace", kind)
	}
	named.SetNamespace("rootbuild") // as kubectl -n does
	faults, err := validate(inside)
	return inside, errors.Join(err, faults.ToAggregate())
}

func validate(object runtime.Object) (field.ErrorList, error) {
	var pod corevalidation.PodValidationOptions
	switch o := object.(type) {
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(o, appsvalidation.StatefulSetValidationOptions{}, pod), nil
	case *batch.CronJob:
		return batchvalidation.ValidateCronJobCreate(o, pod), nil
	case *core.Service:
		o.Spec.ClusterIPs = []string{o.Spec.ClusterIP} // as the server does before
		return corevalidation.ValidateServiceCreate(o), nil
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil
	case *core.PersistentVolumeClaim:
		return corevalidation.ValidatePersistentVolumeClaim(o, corevalidation.PersistentVolumeClaimSpecValidationOptions{}), nil
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{}), nil
	}
	return nil, fmt.Errorf("%T: a kind that this test does not know yet", object)
}

func name(object runtime.Object) string {
	if o, ok := object.(interface{ GetName() string }); ok {
		return o.GetName()
	}
	return ""
}

// checkReferences checks what names another manifest, which a cluster finds out late.
func checkReferences(t *testing.T, objects map[string]runtime.Object) {
	t.Helper()
	set, _ := objects["*apps.StatefulSet buildkitd"].(*apps.StatefulSet)
	cron, _ := objects["*batch.CronJob rootbuild"].(*batch.CronJob)
	if set == nil || cron == nil {
		t.Fatal("there are no builders, or no build")
	}
	service, ok := objects["*core.Service "+set.Spec.ServiceName].(*core.Service)
	if !ok || !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(set.Spec.Template.Labels)) {
		t.Errorf("the builders have no service %q that finds them", set.Spec.ServiceName)
	}
	job := cron.Spec.JobTemplate.Spec.Template
	policy, ok := objects["*networking.NetworkPolicy buildkitd"].(*networking.NetworkPolicy)
	if !ok || !labels.SelectorFromSet(policy.Spec.Ingress[0].From[0].PodSelector.MatchLabels).Matches(labels.Set(job.Labels)) {
		t.Error("the network policy keeps the build from the builders")
	}
	for _, v := range append(set.Spec.Template.Spec.Volumes, job.Spec.Volumes...) {
		var maps []string
		switch {
		case v.ConfigMap != nil:
			maps = append(maps, v.ConfigMap.Name)
		case v.Projected != nil:
			for _, s := range v.Projected.Sources {
				if s.ConfigMap != nil {
					maps = append(maps, s.ConfigMap.Name)
				}
			}
		case v.PersistentVolumeClaim != nil && objects["*core.PersistentVolumeClaim "+v.PersistentVolumeClaim.ClaimName] == nil:
			t.Errorf("there is no claim %q", v.PersistentVolumeClaim.ClaimName)
		}
		for _, m := range maps {
			if objects["*core.ConfigMap "+m] == nil {
				t.Errorf("there is no config map %q", m)
			}
		}
	}
}
