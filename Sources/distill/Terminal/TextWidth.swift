/// The room that text takes on a terminal.
enum TextWidth {
    /// The columns of a text without escape codes: two for a wide character, none for a combining mark.
    static func columns(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// As much of the beginning as fits, with `…` for what does not.
    static func prefix(_ text: String, columns limit: Int) -> String {
        guard columns(text) > limit else { return text }
        var (kept, used) = ("", 0)
        for character in text {
            let width = columns(String(character))
            guard used + width <= limit - 1 else { break }
            kept.append(character)
            used += width
        }
        return limit > 0 ? kept + "…" : ""
    }

    /// As much of the end as fits, with `…` for what does not.
    static func suffix(_ text: String, columns limit: Int) -> String {
        guard columns(text) > limit else { return text }
        var (kept, used) = ([Character](), 0)
        for character in text.reversed() {
            let width = columns(String(character))
            guard used + width <= limit - 1 else { break }
            kept.append(character)
            used += width
        }
        return limit > 0 ? "…" + String(kept.reversed()) : ""
    }

    /// Lines of whole fields, none wider than a limit unless a field alone is.
    ///
    /// - Parameters:
    ///   - fields: What is not broken.
    ///   - indent: The prefix of the second line and those after it.
    static func lines(_ fields: [String], columns limit: Int, indent: String) -> [String] {
        var lines: [String] = []
        for field in fields {
            if let last = lines.last, columns(last) + 2 + columns(field) <= limit {
                lines[lines.count - 1] += "  " + field
            } else {
                lines.append(lines.isEmpty ? field : indent + field)
            }
        }
        return lines
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch scalar.value {
        // East Asian wide and full-width characters, and pictures.
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
