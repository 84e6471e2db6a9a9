package config

// Nearest returns the candidate that s is most likely a slip of, "" where there
// is no candidate.
func Nearest(s string, candidates []string) string {
	best, _ := nearest(s, candidates)
	return best
}

// nearest returns the candidate with the least edit distance to s, and that
// distance; "" where there is no candidate. Of equals the first wins.
func nearest(s string, candidates []string) (string, int) {
	best, least := "", -1
	for _, c := range candidates {
		if d := distance(s, c); least < 0 || d < least {
			best, least = c, d
		}
	}
	return best, least
}

// suggest returns ` (did you mean "…"?)` where a candidate is near enough to be
// a slip, else "".
func suggest(s string, candidates []string) string {
	if best, d := nearest(s, candidates); best != "" && d <= 1+len(best)/3 {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
}

// distance is the number of bytes to insert, delete, replace or swap with
// their neighbour that makes b of a (optimal string alignment). Long strings
// are cut: nobody mistypes a key of more than 64 bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
