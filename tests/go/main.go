// Verifies an export of a ledger, and a proof of it, with the Go team's own code for transparency logs.
//
//	go run . EXPORT VKEY [PROOF]
//
// EXPORT is a directory of C2SP tlog-tiles, VKEY the Ed25519 verifier key of its checkpoint, PROOF a file of C2SP
// tlog-proof that holds its entry. Nothing here was written by looking at sealcore's own verifier.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type export struct{ directory string }

func (e export) Height() int { return 8 }

// c2sp turns the path of a tile in Go's checksum database into the one of C2SP tlog-tiles.
func c2sp(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	path = strings.Replace(path, "data/", "entries/", 1)
	return "tile/" + path
}

func (e export) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(e.directory, c2sp(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (e export) SaveTiles([]tlog.Tile, [][]byte) {}

func openCheckpoint(raw []byte, verifiers note.Verifiers) (tlog.Tree, error) {
	signed, err := note.Open(raw, verifiers)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, errors.New("the checkpoint is not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func verifyEntries(log export, tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, log)
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}
		bundle, err := os.ReadFile(filepath.Join(log.directory, c2sp(tile)))
		if err != nil {
			return err
		}
		var indexes []int64
		for i := range width {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+i))
		}
		stored, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := range width {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("entry %d: the bundle ends", first+i)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if tlog.RecordHash(bundle[2:2+length]) != stored[i] {
				return fmt.Errorf("entry %d is not what its tile holds", first+i)
			}
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return fmt.Errorf("bytes after entry %d", first+width-1)
		}
	}
	return nil
}

func verifyProof(path string, verifiers note.Verifiers) (int64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	head, checkpoint, found := bytes.Cut(raw, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, errors.New("not a tlog-proof with an entry")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return 0, err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return 0, err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, err
		}
		proof = append(proof, hash)
	}
	tree, err := openCheckpoint(checkpoint, verifiers)
	if err != nil {
		return 0, err
	}
	return index, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("usage: EXPORT VKEY [PROOF]")
	}
	verifier, err := note.NewVerifier(arguments[1])
	if err != nil {
		return err
	}
	verifiers := note.VerifierList(verifier)
	log := export{arguments[0]}
	raw, err := os.ReadFile(filepath.Join(log.directory, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(raw, verifiers)
	if err != nil {
		return err
	}
	if err := verifyEntries(log, tree); err != nil {
		return err
	}
	fmt.Printf("%d entries verified\n", tree.N)
	for _, path := range arguments[2:] {
		index, err := verifyProof(path, verifiers)
		if err != nil {
			return err
		}
		fmt.Printf("proof of entry %d verified\n", index)
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
