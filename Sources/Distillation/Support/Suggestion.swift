/// Suggestions for mistyped names.
public enum Suggestion {
    /// Returns the name with the fewest letters to change, if that is at most a third of them.
    ///
    /// - Parameters:
    ///   - name: The name as it was typed.
    ///   - names: The existing names.
    public static func nearest(to name: String, among names: [String]) -> String? {
        let plain = name.replacing("-", with: "_").lowercased()
        let closest = names.map { (name: $0, distance: distance(plain, $0)) }.min {
            $0.distance < $1.distance
        }
        guard let closest, closest.distance <= max(1, closest.name.count / 3) else { return nil }
        return closest.name
    }

    /// Computes the Levenshtein distance: the number of letters to insert, delete or substitute.
    public static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for (index, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in b.enumerated() {
                let substituted = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[b.count]
    }
}
