/// A place in the file system: a path, or with the module `Files` a file's URL.
public protocol FileLocation {
    /// The path, from the root or from the working directory; that of a directory may end with a slash.
    var filePath: String { get }
}

extension String: FileLocation {
    public var filePath: String { self }
}

extension FileLocation {
    /// The path for system calls and messages, without a slash at its end.
    package var plainPath: String {
        let path = filePath
        guard path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") else { return path }
        return String(path.unicodeScalars.dropLast())
    }

    /// True if something is there, after symbolic links.
    package var fileExists: Bool { FileKind(self) != .missing }

    /// The path of a file in this directory.
    package func entry(_ name: String) -> String {
        let path = filePath
        return path.isEmpty || path.utf8.last == UInt8(ascii: "/") ? path + name : path + "/" + name
    }

    /// The path of the directory that holds this, without a slash at its end.
    package var parentPath: String {
        let path = plainPath
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component of the path.
    package var fileName: String {
        let path = plainPath
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The path of another file in the directory that holds this one.
    package func neighbor(_ name: String) -> String {
        let path = plainPath
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return name }
        return String(path[...slash]) + name
    }

    /// A path beside this one that nothing else uses: `.<name>.<purpose>-<unique>`.
    package func siblingPath(_ purpose: String) -> String { neighbor(siblingName(purpose)) }

    /// The name of such a path.
    package func siblingName(_ purpose: String) -> String {
        ".\(fileName).\(purpose)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }
}
