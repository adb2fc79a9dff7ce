package project

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The bounds of a file. The HCL parser and evaluator recurse with the nesting of what they read
// and keep some hundred bytes a token, so hostile input is refused before they see it. Each bound
// is far above what a file for people holds.
const (
	maxFile      = 1 << 20
	maxMarks     = 100_000 // punctuation and line ends: each becomes a token
	maxNesting   = 32
	maxOperators = 1000 // a chain of operators nests once for each
	maxDigits    = 20   // of one number
)

// guard refuses a file that is not worth parsing, or not safe to.
func guard(filename string, src []byte) hcl.Diagnostics {
	if len(src) > maxFile {
		return tooMuch(filename, src, 0, fmt.Sprintf("The file has %d bytes, at most %d are read.", len(src), maxFile))
	}
	if at := firstInvalid(src); at >= 0 {
		return hcl.Diagnostics{refusal("The file is no UTF-8 text",
			"There is a byte here that is no UTF-8. Save the file as UTF-8.", place(filename, src, at))}
	}
	if at := bytes.IndexByte(src, 0); at >= 0 {
		return hcl.Diagnostics{refusal("The file is no text",
			"There is a NUL byte here. Remove it.", place(filename, src, at))}
	}
	if at := crowded(src); at >= 0 {
		return tooMuch(filename, src, at, fmt.Sprintf("It holds more than %d signs of punctuation.", maxMarks))
	}
	return nested(filename, src)
}

func tooMuch(filename string, src []byte, at int, why string) hcl.Diagnostics {
	return hcl.Diagnostics{refusal("The file is too large", why+" A project file is short: is this one?", place(filename, src, at))}
}

func firstInvalid(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func crowded(src []byte) int {
	marks := 0
	for i, c := range src {
		if c == '\n' || c > ' ' && c < utf8.RuneSelf && !letterOrDigit(c) {
			if marks++; marks > maxMarks {
				return i
			}
		}
	}
	return -1
}

func letterOrDigit(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// nested refuses a file whose expressions nest too deeply, by brackets or by operators.
func nested(filename string, src []byte) hcl.Diagnostics {
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	depth, operators, previous := 0, 0, hclsyntax.TokenNil
	for _, token := range tokens {
		depth += nesting(token.Type)
		if operator(previous, token.Type) {
			operators++
		}
		if token.Type == hclsyntax.TokenNumberLit && monstrous(token.Bytes) {
			at := token.Range
			return hcl.Diagnostics{refusal("A number is too large", "No setting takes such a number. Write it without an exponent, with at most 20 digits.", &at)}
		}
		if depth > maxNesting || operators > maxOperators {
			at := token.Range
			return hcl.Diagnostics{refusal("The file nests too deeply",
				"Brackets, templates or operators are nested too deeply here. Write the value plainly.", &at)}
		}
		previous = token.Type
	}
	return nil
}

// monstrous says whether a number takes time or memory to read or to write out: "1e999999999" as a
// text has a thousand million digits.
func monstrous(number []byte) bool {
	return len(number) > maxDigits || bytes.ContainsAny(number, "eE")
}

func nesting(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return 1
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return -1
	}
	return 0
}

// operator says whether a token wraps what stands before it, or after it, in one more expression.
func operator(previous, t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenDot, hclsyntax.TokenQuestion:
		return true
	case hclsyntax.TokenOBrack:
		return indexed(previous)
	}
	return false
}

// indexed says whether a bracket after this token indexes a value rather than begins a list.
func indexed(previous hclsyntax.TokenType) bool {
	switch previous {
	case hclsyntax.TokenIdent, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCBrace,
		hclsyntax.TokenCQuote, hclsyntax.TokenNumberLit:
		return true
	}
	return false
}

// plain refuses the parts of HCL that take time without bound: loops.
func plain(body *hclsyntax.Body) hcl.Diagnostics {
	return hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		switch node.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.SplatExpr, *hclsyntax.TemplateJoinExpr:
			at := node.Range()
			return hcl.Diagnostics{refusal("Loops are not understood here",
				"A project file states plain values. Write the values one by one.", &at)}
		}
		return nil
	})
}

// place is the range of one byte of a file.
func place(filename string, src []byte, at int) *hcl.Range {
	start := hcl.Pos{Line: 1, Column: 1, Byte: at}
	start.Line += bytes.Count(src[:at], []byte("\n"))
	start.Column += utf8.RuneCount(src[bytes.LastIndexByte(src[:at], '\n')+1 : at])
	end := start
	if at < len(src) {
		end.Byte++
		end.Column++
	}
	return &hcl.Range{Filename: filename, Start: start, End: end}
}
