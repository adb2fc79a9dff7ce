//go:build e2e

package gunicorn

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sandwich/units"
	"sandwich/units/project"
	"sandwich/units/unitfile"
)

const golden = "../../units/testdata"

// Units with RestartSteps= are for systemd 254 and later.
func readableBy(version int, dir string) bool {
	services, _ := filepath.Glob(filepath.Join(dir, "*.service"))
	content, err := os.ReadFile(services[0])
	return err == nil && (version >= 254 || !strings.Contains(string(content), "RestartSteps="))
}

func TestSystemdAnalyzeVerifiesEveryGoldenUnit(t *testing.T) {
	dirs, err := filepath.Glob(golden + "/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no golden units", err)
	}
	onEach(t, func(t *testing.T, m machine) {
		for _, dir := range dirs {
			if readableBy(m.version, dir) {
				t.Run(filepath.Base(dir), func(t *testing.T) { m.verify(t, dir) })
			}
		}
	})
}

// verify lets systemd read the units of a directory by themselves, the programs they name in place.
func (m machine) verify(t *testing.T, dir string) {
	if err := m.copyTree(dir, "/tmp/verify"); err != nil {
		t.Fatal(err)
	}
	defer m.run(t, "rm", "-r", "/tmp/verify")
	for _, program := range m.programs(t, dir) {
		m.run(t, "sh", "-ec", `[ -e "$0" ] || { mkdir -p "$(dirname "$0")"; ln -s /bin/true "$0"; }`, program)
	}
	out, err := m.try("sh", "-c", `cd /tmp/verify && systemd-analyze verify --recursive-errors=yes ./*`)
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// programs is what the services of a directory run.
func (m machine) programs(t *testing.T, dir string) []string {
	var programs []string
	services, _ := filepath.Glob(dir + "/*.service")
	for _, service := range services {
		content, err := os.ReadFile(service)
		if err != nil {
			t.Fatal(err)
		}
		directives, err := unitfile.Parse(string(content))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range directives {
			if d.Name == "ExecStart" {
				programs = append(programs, program(d.Value))
			}
		}
	}
	return programs
}

// program is the first word of a command line as unitfile writes it.
func program(command string) string {
	word := regexp.MustCompile(`^"[^"]*"|^\S+`).FindString(command)
	word = strings.TrimPrefix(strings.Trim(word, `"`), "@")
	word = strings.ReplaceAll(word, "%%", "%")
	if !filepath.IsAbs(word) {
		return "/usr/local/bin/" + word
	}
	return word
}

func TestExposureLevel(t *testing.T) {
	levels := map[project.Hardening]float64{project.HardeningDefault: 1.5, project.HardeningStrict: 1.3}
	for hardening, most := range levels {
		t.Run(string(hardening), func(t *testing.T) {
			onEach(t, func(t *testing.T, m machine) {
				s := install(t, m, "exposed", func(p *project.Project) { p.Hardening = hardening })
				out := s.run(t, "sh", "-c", `systemd-analyze security "$0"`, units.Service(s.Name))
				match := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
				if match == nil {
					t.Fatal(out)
				}
				level, _ := strconv.ParseFloat(match[1], 64)
				t.Logf("exposure level: %.1f", level)
				if level > most {
					t.Errorf("exposure level is %.1f, more than %.1f:\n%s", level, most, out)
				}
			})
		})
	}
}
