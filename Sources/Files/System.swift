import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension URL: FileLocation {
    public var filePath: String { path(percentEncoded: false) }
}

extension URL {
    /// The directory that holds this file.
    var parent: URL { deletingLastPathComponent() }

    /// A name beside this one that nothing else uses: `.<name>.<purpose>-<unique>`.
    func sibling(_ purpose: String) -> URL { parent.appending(path: siblingName(purpose)) }
}

/// Exchanges the files of two names atomically.
///
/// - Returns: `false` where that cannot be done here.
func exchange(_ one: String, _ other: String) -> Bool {
    #if canImport(Darwin)
        return renamex_np(one, other, UInt32(RENAME_SWAP)) == 0
    #else
        // Not in the headers that Swift sees.
        guard let symbol = dlsym(nil, "renameat2") else { return false }
        typealias Function =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
            ) -> Int32
        let renameExchange: UInt32 = 2
        return unsafeBitCast(symbol, to: Function.self)(AT_FDCWD, one, AT_FDCWD, other, renameExchange) == 0
    #endif
}

/// Returns true if another file system, or a part of one, is mounted at a directory: the directory cannot be renamed
/// then.
func isMountPoint(_ path: String) -> Bool {
    #if os(Linux)
        // Each line: identifiers, device, root, and as the fifth word the mount point, with blanks in octal digits.
        guard let text = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else {
            return false
        }
        var place = path
        for (character, code) in [("\\", "\\134"), (" ", "\\040"), ("\t", "\\011"), ("\n", "\\012")] {
            place = place.replacing(character, with: code)
        }
        return text.split(separator: "\n").contains { line in
            let words = line.split(separator: " ", maxSplits: 5)
            return words.count > 4 && words[4].utf8.elementsEqual(place.utf8)
        }
    #else
        guard let own = FileIdentity(path: path), let above = FileIdentity(path: path + "/..") else {
            return false
        }
        return own.device != above.device
    #endif
}
