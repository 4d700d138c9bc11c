/// Python's changes of case, which go by code points.
extension String {
    var pythonUppercased: String { unicodeScalars.reduce(into: "") { $0 += $1.properties.uppercaseMapping } }

    var pythonLowercased: String {
        let scalars = Array(unicodeScalars)
        return scalars.indices.reduce(into: "") { $0 += Self.lowercase(scalars, $1) }
    }

    /// The first character in title case, the others in lower case.
    var pythonCapitalized: String {
        let scalars = Array(unicodeScalars)
        return scalars.indices.reduce(into: "") { result, index in
            result += index == 0 ? scalars[0].properties.titlecaseMapping : Self.lowercase(scalars, index)
        }
    }

    /// Each character that follows no letter in title case, as Python's `str.title` does.
    var pythonTitlecased: String {
        let scalars = Array(unicodeScalars)
        var follows = false
        return scalars.indices.reduce(into: "") { result, index in
            result += follows ? Self.lowercase(scalars, index) : scalars[index].properties.titlecaseMapping
            follows = scalars[index].properties.isCased
        }
    }

    /// True if there are letters with case, and all are of the one asked for.
    func hasCase(upper: Bool) -> Bool {
        var found = false
        for scalar in unicodeScalars {
            let properties = scalar.properties
            if properties.generalCategory == .titlecaseLetter
                || (upper ? properties.isLowercase : properties.isUppercase)
            {
                return false
            }
            found = found || (upper ? properties.isUppercase : properties.isLowercase)
        }
        return found
    }

    /// A character in lower case; a sigma is another one at the end of a word.
    private static func lowercase(_ scalars: [Unicode.Scalar], _ index: Int) -> String {
        guard scalars[index] == "\u{3A3}" else { return scalars[index].properties.lowercaseMapping }
        let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        return before?.properties.isCased == true && after?.properties.isCased != true ? "\u{3C2}" : "\u{3C3}"
    }
}
