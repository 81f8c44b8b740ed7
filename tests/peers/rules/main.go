// Reads a PrometheusRule strictly, with the Prometheus operator's own API types, and its rules with Prometheus' own
// parser: rules FILE.
//
// Exit code 0: taken; 1: refused, with the reasons on stderr. (Managed Prometheus' types cannot be had from the module
// proxy; tests/platform/contract.rs knows what they refuse.)
package main

import (
	"errors"
	"fmt"
	"os"

	operator "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/rulefmt"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: rules FILE"))
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err)
	}
	if err := check(text); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func check(text []byte) error {
	var rule operator.PrometheusRule
	if err := yaml.UnmarshalStrict(text, &rule); err != nil {
		return err
	}
	if err := named(rule.APIVersion+" "+rule.Kind, "monitoring.coreos.com/v1 PrometheusRule", len(rule.Spec.Groups)); err != nil {
		return err
	}
	return understood(rule.Spec)
}

func named(is, wanted string, groups int) error {
	if is != wanted {
		return fmt.Errorf("it is %q, not %q", is, wanted)
	}
	if groups == 0 {
		return fmt.Errorf("no groups")
	}
	return nil
}

// The operator, too, hands the rules on as a file: expressions, templates, durations and names are Prometheus' to judge.
func understood(spec operator.PrometheusRuleSpec) error {
	file, err := yaml.Marshal(spec)
	if err != nil {
		return err
	}
	_, faults := rulefmt.Parse(file, false)
	return errors.Join(faults...)
}
