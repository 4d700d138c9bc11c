import Storage

/// `vocab.txt`: a token on each line, whose id is the number of the line, counted from 0.
enum VocabularyFile {
    /// Reads a vocabulary as Hugging Face's `WordPiece.from_file` does: white space at the end of a line does not
    /// count, and of a token on several lines the last counts.
    static func read(_ file: String) throws -> Vocabulary {
        let mapped = try MappedFile(file)
        return try withExtendedLifetime(mapped) {
            try TextFileStart.refusePointer(mapped.bytes, file: file)
            let bytes = TextFileStart.content(of: mapped.bytes)
            var tokens: [(token: String, id: Int)] = []
            var places: [[UInt8]: Int] = [:]
            for (line, content) in lines(of: bytes).enumerated() {
                guard let token = String(validating: content, as: UTF8.self) else {
                    throw TokenizerError.malformed(
                        file: file, key: "line \(line + 1)", reason: "not UTF-8; save the file as UTF-8")
                }
                if let place = places.updateValue(tokens.count, forKey: Array(content)) {
                    tokens[place].id = -1
                }
                tokens.append((token, line))
            }
            guard !tokens.isEmpty else {
                throw TokenizerError.invalidVocabulary(
                    file: file, reason: "is empty; give a file with a token on each line")
            }
            return try Vocabulary(tokens.filter { $0.id >= 0 }, file: file)
        }
    }

    /// The lines without their ends and without white space at their ends.
    private static func lines(of bytes: UnsafeBufferPointer<UInt8>) -> [UnsafeBufferPointer<UInt8>] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { line in
            var line = UnsafeBufferPointer(rebasing: line)
            while let last = lastScalar(of: line),
                UnicodeTables.contains(last.value, in: UnicodeTables.whitespace)
            {
                line = UnsafeBufferPointer(rebasing: line.dropLast(last.length))
            }
            return line
        }
    }

    /// The last character, unless the bytes there are not UTF-8.
    private static func lastScalar(of line: UnsafeBufferPointer<UInt8>) -> (value: UInt32, length: Int)? {
        let tail = line.suffix(4)
        for length in 1...4 where length <= tail.count {
            if let text = String(validating: tail.suffix(length), as: UTF8.self),
                let scalar = text.unicodeScalars.last
            {
                return (scalar.value, length)
            }
        }
        return nil
    }
}
