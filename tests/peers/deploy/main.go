// Reads what is deployed as its readers do, strictly: judge compose FILE | judge dockerfile FILE | judge monitors FILE.
//
//	compose      Docker Compose's own loader, all profiles on; prints the project as JSON, as `docker compose config` does
//	dockerfile   BuildKit's own parser and its linter; a warning is a refusal
//	monitors     ServiceMonitors and PrometheusRules of a YAML stream, by the Prometheus operator's own API types
//
// Exit code 0: taken; 1: refused, with the reasons on stderr; 2: wrong use.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	operator "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	judges := map[string]func(string) error{"compose": compose, "dockerfile": dockerfile, "monitors": monitors}
	if len(os.Args) != 3 || judges[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: judge compose FILE | judge dockerfile FILE | judge monitors FILE")
		os.Exit(2)
	}
	if err := judges[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The variables are those of the .env beside the file.
func compose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(filepath.Dir(file)), cli.WithEnvFiles(),
		cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}

func dockerfile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var found []error
	warn := func(rule, _, _, message string, where []parser.Range) {
		found = append(found, fmt.Errorf("line %d: %s: %s", line(where), rule, message))
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	for _, warning := range parsed.Warnings {
		found = append(found, errors.New(warning.Short))
	}
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err == nil && len(stages) == 0 {
		err = errors.New("no stage")
	}
	return errors.Join(append(found, err)...)
}

func line(where []parser.Range) int {
	if len(where) == 0 {
		return 0
	}
	return where[0].Start.Line
}

// Documents of other kinds are passed over, but not all of them: a stream without any is refused.
func monitors(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	read := 0
	for _, document := range bytes.Split(text, []byte("\n---")) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return err
		}
		var into any
		switch kind.Kind {
		case "ServiceMonitor":
			into = &operator.ServiceMonitor{}
		case "PrometheusRule":
			into = &operator.PrometheusRule{}
		default:
			continue
		}
		read++
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			return fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	if read == 0 {
		return errors.New("no ServiceMonitor and no PrometheusRule")
	}
	return nil
}
