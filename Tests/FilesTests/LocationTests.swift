import Foundation
import Storage
import TestSupport
import Testing

@testable import Files

@Suite("Places in the file system")
struct LocationTests {
    @Test("a path's parts are those of its URL", arguments: ["/a/b", "/a/b/", "/a", "/a b/c%20d/é.json"])
    func absolute(path: String) {
        let url = URL(filePath: path)
        #expect(path.parentPath == url.deletingLastPathComponent().path)
        #expect(path.fileName == url.lastPathComponent)
        #expect(path.entry("x.json") == url.appending(path: "x.json").plainPath)
        #expect(url.entry("x.json") == path.entry("x.json"))
        #expect(path.neighbor("x") == url.deletingLastPathComponent().appending(path: "x").plainPath)
    }

    @Test("relative paths stay relative")
    func relative() {
        #expect("a".parentPath == "." && "a/b".parentPath == "a" && "/".parentPath == "/")
        #expect("a".neighbor("b") == "b" && "a/b/".neighbor("c") == "a/c")
        #expect("a".entry("b") == "a/b" && "".entry("b") == "b" && "/".entry("b") == "/b")
        #expect("a/b/".fileName == "b")
    }

    @Test("whole files of any size, and pipes, are read to their ends", arguments: [0, 1, 16_384, 300_001])
    func bytes(count: Int) throws {
        try withTemporaryDirectory { directory in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let file = directory.appending(path: "file")
            try AtomicFile.write(bytes, to: file.path)
            #expect(try FileSystem.bytes(of: file) == bytes)
            #expect(FileSystem.size(of: file) == count)
            let pipe = directory.appending(path: "pipe").path
            #expect(mkfifo(pipe, 0o600) == 0)
            let writer = Thread { try? Data(bytes).write(to: URL(filePath: pipe)) }
            writer.start()
            #expect(try FileSystem.bytes(of: pipe) == bytes)
        }
    }

    @Test("directories are listed, hidden files too, and files are removed")
    func directories() throws {
        try withTemporaryDirectory { directory in
            for name in ["b", ".hidden", "é"] { try directory.appending(path: name).put(name) }
            #expect(try FileSystem.names(in: directory).sorted() == directory.contents())
            try FileSystem.remove(directory.entry("b"))
            #expect(try directory.contents() == [".hidden", "é"])
            let gone = directory.entry("b")
            #expect(throws: FileError.missing(gone)) { try FileSystem.remove(gone) }
            #expect(throws: FileError.missing(gone)) { try FileSystem.bytes(of: gone) }
            #expect(throws: FileError.notADirectory(directory.entry("é"))) {
                try FileSystem.names(in: directory.entry("é"))
            }
            #expect(throws: FileError.notAFile(directory.plainPath)) {
                try FileSystem.bytes(of: directory)
            }
        }
    }

    @Test("as many processors as Foundation counts")
    func processors() { #expect(Processors.activeCount == ProcessInfo.processInfo.activeProcessorCount) }
}
