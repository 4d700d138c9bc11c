import Storage

/// `merges.txt`: the merges of byte pair encoding, two tokens on each line.
enum MergesFile {
    /// - Throws: ``TokenizerError/malformed(file:key:reason:)``, which names the line.
    static func read(_ file: String) throws -> [(String, String)] {
        let mapped = try MappedFile(file)
        return try withExtendedLifetime(mapped) {
            try TextFileStart.refusePointer(mapped.bytes, file: file)
            guard let text = String(validating: TextFileStart.content(of: mapped.bytes), as: UTF8.self) else {
                throw TokenizerError.malformed(
                    file: file, key: "contents", reason: "not UTF-8; copy the file anew")
            }
            var merges: [(String, String)] = []
            for (index, line) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                let line = Substring(line.last == "\r" ? line.dropLast() : line)
                if line.isEmpty || line.hasPrefix("#version") { continue }
                guard let merge = BPE.merge(of: line) else {
                    throw TokenizerError.malformed(
                        file: file, key: "line \(index + 1)", reason: "expected two tokens, such as \"a b\"")
                }
                merges.append(merge)
            }
            return merges
        }
    }
}
