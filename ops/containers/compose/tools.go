//go:build tools

// Package tools names the program that is built from this module: Compose v2, which Debian does not package.
package tools

import _ "github.com/docker/compose/v2/cmd"
