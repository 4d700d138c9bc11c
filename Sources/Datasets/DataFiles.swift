import Files
import Foundation

/// The files that one name denotes: a file, or a pattern of several that are read one after another as one data set.
///
/// A pattern knows `*`, `?` and `[…]` within a part of the path, and `{a,b}` anywhere; a backslash takes such a meaning
/// away. An existing file of exactly that name always takes precedence.
public enum DataFiles {
    /// The files of a name, those of a pattern in the order of their paths' bytes.
    ///
    /// - Parameter url: A file, which need not exist, or a pattern.
    /// - Returns: At least one file.
    /// - Throws: ``DatasetError`` where a pattern fits no file, or too many.
    public static func files(_ url: URL) throws -> [URL] {
        let path = url.path(percentEncoded: false)
        guard !FileManager.default.fileExists(atPath: path), path.utf8.contains(where: isSpecial) else {
            return [url]
        }
        var patterns: [String] = []
        try addAlternatives(of: path, to: &patterns)
        var found: Set<[UInt8]> = []
        for pattern in patterns {
            found.formUnion(try expanded(pattern).map { Array($0.utf8) })
            try checkCount(found.count, path)
        }
        guard !found.isEmpty else {
            throw DatasetError(
                path, "there is no such file, and none that fits it as a pattern; check the name")
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }.map {
            URL(filePath: String(decoding: $0, as: UTF8.self), directoryHint: .notDirectory)
        }
    }

    /// The format shown by the names of a data set's files; an ending `.gz` does not count.
    ///
    /// - Parameters:
    ///   - url: A file, or a pattern of several, which must have one format.
    ///   - byExtension: The format of a file's extension in lower case; `nil` for none.
    ///   - reason: The message for a name without a format.
    /// - Throws: ``DatasetError`` if a name shows none, or names differ.
    static func format<Format: RawRepresentable<String>>(
        of url: URL, byExtension: (String) -> Format?, otherwise reason: String
    ) throws -> Format {
        let formats = try files(url).map { file in
            let plain = file.pathExtension.lowercased() == "gz" ? file.deletingPathExtension() : file
            guard let format = byExtension(plain.pathExtension.lowercased()) else {
                throw DatasetError(file.path(percentEncoded: false), reason)
            }
            return (file, format)
        }
        if let other = formats.first(where: { $0.1 != formats[0].1 }) {
            throw DatasetError(
                url.path(percentEncoded: false),
                "the files must have one format, but \(formats[0].0.lastPathComponent) is "
                    + "\(formats[0].1.rawValue) and \(other.0.lastPathComponent) is \(other.1.rawValue); name fewer"
            )
        }
        return formats[0].1
    }

    /// One name for several files, from which ``files(_:)`` gets them back.
    ///
    /// - Parameter files: Files that exist, at least one.
    public static func url(for files: [URL]) -> URL {
        let paths = Set(files.map { $0.path(percentEncoded: false) }).sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        guard let first = paths.first, let last = paths.last, paths.count > 1 else { return files[0] }
        func url(_ pattern: String) -> URL { URL(filePath: pattern, directoryHint: .notDirectory) }
        // `train-*.parquet`, where that fits these and no others.
        let stem = String(decoding: zip(first.utf8, last.utf8).prefix { $0 == $1 }.map(\.0), as: UTF8.self)
        let tail = paths.dropFirst().reduce(Array(first.utf8)) { tail, path in
            Array(zip(tail.reversed(), path.utf8.reversed()).prefix { $0 == $1 }.map(\.0).reversed())
        }
        let ending = String(decoding: tail.suffix(first.utf8.count - stem.utf8.count), as: UTF8.self)
        let pattern = escaped(stem) + "*" + escaped(ending)
        if stem.utf8.count + ending.utf8.count <= first.utf8.count,
            let fitting = try? expanded(pattern),
            Set(fitting.map { Array($0.utf8) }) == Set(paths.map { Array($0.utf8) })
        {
            return url(pattern)
        }
        let directory = stem.utf8.lastIndex(of: UInt8(ascii: "/")).map { stem[...$0] } ?? ""
        let rest = paths.map { escaped(String($0.dropFirst(directory.count))) }
        return url(escaped(String(directory)) + "{" + rest.joined(separator: ",") + "}")
    }

    /// The SHA-256 of a data set: its file's, or that of the lines of its files' digests in their order.
    ///
    /// - Parameter digests: 64 hexadecimal digits each.
    public static func sha256(_ digests: [String]) -> String {
        digests.count == 1 ? digests[0] : Digest.sha256(digests.map { $0 + "\n" }.joined())
    }

    // MARK: - Patterns

    private static let backslash = UInt8(ascii: "\\")

    private static func isSpecial(_ byte: UInt8) -> Bool { "*?[]{},\\".utf8.contains(byte) }
    private static func isWildcard(_ byte: UInt8) -> Bool { "*?[".utf8.contains(byte) }

    private static func escaped(_ text: String) -> String {
        String(decoding: text.utf8.flatMap { isSpecial($0) ? [backslash, $0] : [$0] }, as: UTF8.self)
    }

    private static func checkCount(_ count: Int, _ pattern: String) throws {
        guard count <= Limits.files else {
            throw DatasetError(
                shown(pattern, limit: 1000),
                "the pattern matches more than \(Limits.files) files; name fewer")
        }
    }

    /// The patterns without braces that one with braces expands to.
    private static func addAlternatives(of pattern: String, to found: inout [String]) throws {
        let bytes = Array(pattern.utf8)
        var (place, start, depth) = (0, -1, 0)
        var commas: [Int] = []
        while place < bytes.count {
            switch bytes[place] {
            case backslash: place += 1
            case UInt8(ascii: "{"):
                if depth == 0 { (start, commas) = (place, []) }
                depth += 1
            case UInt8(ascii: ",") where depth == 1: commas.append(place)
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0, !commas.isEmpty {
                    let ends = [start] + commas + [place]
                    for (from, to) in zip(ends, ends.dropFirst()) {
                        try addAlternatives(
                            of: String(
                                decoding: bytes[..<start] + bytes[(from + 1)..<to] + bytes[(place + 1)...],
                                as: UTF8.self), to: &found)
                    }
                    return
                }
            default: break
            }
            place += 1
        }
        found.append(pattern)
        try checkCount(found.count, pattern)
    }

    /// The files that fit a pattern without braces.
    private static func expanded(_ pattern: String) throws -> [String] {
        var found = [pattern.hasPrefix("/") ? "/" : ""]
        let parts = pattern.split(separator: "/").map(String.init)
        for (index, part) in parts.enumerated() {
            var next: [String] = []
            for base in found {
                next += names(part, in: base).map { base + $0 + (index < parts.count - 1 ? "/" : "") }
                try checkCount(next.count, pattern)
            }
            found = next
        }
        return found.filter { path in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
    }

    /// The names in a directory that fit a part of a pattern.
    private static func names(_ part: String, in directory: String) -> [String] {
        guard hasWildcard(part) else { return [unescaped(part)] }
        let names = try? FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "." : directory)
        let pattern = GlobPattern(part)
        return (names ?? []).filter { pattern.fits($0) }
    }

    private static func hasWildcard(_ part: String) -> Bool {
        var isEscaped = false
        for byte in part.utf8 {
            if !isEscaped, isWildcard(byte) { return true }
            isEscaped = !isEscaped && byte == backslash
        }
        return false
    }

    private static func unescaped(_ part: String) -> String {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in part.utf8 {
            isEscaped = !isEscaped && byte == backslash
            if !isEscaped { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
