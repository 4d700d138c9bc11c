import Files
import Foundation

/// Remembers the digests of large files, so that a start does not read them through again.
///
/// A digest holds as long as path, size, inode and both times (to the nanosecond) are the same. A file that changed
/// less than two seconds ago is not remembered: it could change again without its times showing it.
package struct DigestMemo {
    /// The directory in which digests are kept; `nil` computes them always.
    let directory: URL?
    /// Smaller files are read.
    static let smallest = 1 << 20

    package init(root: URL?) { directory = root?.appending(path: "digests") }

    /// The SHA-256 of a file.
    ///
    /// - Throws: `FileError` where the file cannot be read.
    func sha256(ofFile url: URL) throws -> String {
        let url = url.resolvingSymlinksInPath()
        guard let directory, let status = FileVersion(url), status.size >= Self.smallest else {
            return try Digest.sha256(ofFile: url)
        }
        let memo = directory.appending(path: Digest.sha256(url.path))
        if let text = try? String(contentsOf: memo, encoding: .utf8),
            let digest = Self.read(text, status, url)
        {
            return digest
        }
        let digest = try Digest.sha256(ofFile: url)
        if FileVersion(url)?.description == status.description, status.isSettled {
            // A digest that cannot be kept is computed again next time.
            try? makeCacheDirectory(directory)
            try? AtomicFile.write(Self.line(digest, status, url), to: memo)
        }
        return digest
    }

    /// The digest, what it holds for, a checksum of both and of the file's path, and the path.
    ///
    /// A memo that was moved to another file's name does not fit that file's path.
    private static func line(_ digest: String, _ status: FileVersion, _ url: URL) -> String {
        let text = "\(digest) \(status)"
        return "\(text) \(Digest.sha256("\(text) \(url.path)")) \(url.path)"
    }

    private static func read(_ text: String, _ status: FileVersion, _ url: URL) -> String? {
        let digest = String(text.prefix(64))
        return text == line(digest, status, url) ? digest : nil
    }

    /// The path of the file that a memo describes.
    ///
    /// - Parameter name: The memo's name.
    /// - Returns: `nil` where it is damaged, or under another's name.
    static func path(ofMemo text: String, named name: String) -> String? {
        let words = text.split(separator: " ", maxSplits: 6, omittingEmptySubsequences: false)
        guard words.count == 7 else { return nil }
        let (front, sum, path) = (words.prefix(5).joined(separator: " "), words[5], String(words[6]))
        return Digest.sha256(path) == name && sum == Digest.sha256("\(front) \(path)") ? path : nil
    }
}
