import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("The owner of an output")
struct OutputLockTests {
    @Test("there is one at a time, a second is told which process it is, and nothing stays of the lock")
    func oneOwner() throws {
        try withTemporaryDirectory { directory in
            let output = directory.appending(path: "new/student")
            do {
                let lock = try OutputLock(output)
                let error = #expect(throws: FileError.busy(output.plainPath, owner: Int(getpid()))) {
                    try OutputLock(output)
                }
                #expect(error?.description.contains("another run is writing it") == true)
                // Under whatever name.
                let link = directory.appending(path: "link")
                try FileManager.default.createSymbolicLink(
                    at: link, withDestinationURL: directory.appending(path: "new"))
                #expect(throws: FileError.self) { try OutputLock(link.appending(path: "student")) }
                try FileManager.default.removeItem(at: link)
                let other = try OutputLock(directory.appending(path: "new/other"))
                withExtendedLifetime((lock, other)) {}
            }
            #expect(try directory.contents() == [])
            _ = try OutputLock(output)
        }
    }

    @Test(
        "what a killed owner left is removed, and nothing else: what is owned, another output's, or the user's"
    )
    func leftovers() throws {
        try withTemporaryDirectory { directory in
            let output = directory.appending(path: "out")
            let manager = FileManager.default
            for name in [".out.partial-1abc", ".out.old-zz9", ".other.partial-1abc", ".out.partial-Mine"] {
                let folder = directory.appending(path: name)
                try manager.createDirectory(at: folder, withIntermediateDirectories: false)
                try folder.appending(path: "model").put(String(repeating: "x", count: 1000))
            }
            try directory.appending(path: ".out.partial-5").put("a file")
            try manager.createDirectory(at: output, withIntermediateDirectories: false)
            let staged = try StagedDirectory(for: output, overwrite: false)
            let lock = try OutputLock(output)
            #expect(lock.leftovers?.count == 3)
            #expect((lock.leftovers?.bytes ?? 0) >= 2000)
            #expect(lock.leftovers?.description.contains("left by a process that was killed") == true)
            let names = Set(try directory.contents())
            #expect(
                names == [
                    ".other.partial-1abc", ".out.partial-Mine", ".out.lock", "out",
                    staged.url.lastPathComponent,
                ])
            try staged.commit()
        }
    }

    @Test("what was at an output whose owner died while replacing it comes back")
    func restored() throws {
        try withTemporaryDirectory { directory in
            let old = directory.appending(path: ".out.old-1a")
            try FileManager.default.createDirectory(at: old, withIntermediateDirectories: false)
            try old.appending(path: "config.json").put("{}")
            let lock = try OutputLock(directory.appending(path: "out"))
            #expect(lock.leftovers == nil)
            #expect(try directory.appending(path: "out").contents() == ["config.json"])
        }
    }

    @Test(
        "names of unfinished files",
        arguments: [
            (".a.partial-1z", true), (".a.b.old-0", true), (".a.partial-", false), ("a.partial-1", false),
            (".partial-1", false), (".a.partial-1.txt", false), (".a.partial-A", false),
            (".a.other-1", false),
        ])
    func names(name: String, isUnfinished: Bool) { #expect(Leftovers.isUnfinished(name) == isUnfinished) }

    @Test("a save replaces what it may: its own, an empty directory, nothing that somebody else made")
    func replacing() throws {
        try withTemporaryDirectory { directory in
            let output = directory.appending(path: "out")
            func stage(_ replacing: StagedDirectory.Replacing, _ text: String) throws -> StagedDirectory {
                let staged = try StagedDirectory(for: output, replacing: replacing)
                try staged.url.appending(path: text).put(text)
                return staged
            }
            let first = try stage(.nothing, "first")
            try first.commit()
            let own = try #require(first.identity)
            let second = try stage(.only(own), "second")
            try second.commit()
            #expect(try output.contents() == ["second"])
            // The first is gone, so nothing of its identity may be replaced now.
            #expect(throws: FileError.exists(output.plainPath)) { try stage(.only(own), "third") }
            let third = try stage(.only(try #require(second.identity)), "third")
            try FileManager.default.removeItem(at: output)
            try FileManager.default.createDirectory(at: output, withIntermediateDirectories: false)
            try output.appending(path: "theirs").put("x")
            #expect(throws: FileError.exists(output.plainPath)) { try third.commit() }
            #expect(try output.contents() == ["theirs"])
            #expect(try directory.contents() == ["out"])
        }
    }

    @Test("a file that must not replace another does not, and leaves nothing")
    func notReplacing() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "page.html")
            try AtomicFile.write("mine", to: file, replacing: false)
            #expect(throws: FileError.exists(file.plainPath)) {
                try AtomicFile.write("theirs", to: file, replacing: false)
            }
            #expect(try file.text() == "mine")
            #expect(try directory.contents() == ["page.html"])
        }
    }
}

@Suite("Files of killed processes, and files in use")
struct LeftoverTests {
    @Test("a temporary folder goes with its owner, and those of dead owners go with the next process")
    func temporaryFolder() throws {
        let dead = FileManager.default.temporaryDirectory.appending(path: "distill-tmp-dead\(getpid())")
        try FileManager.default.createDirectory(at: dead, withIntermediateDirectories: false)
        try dead.appending(path: "tokens").put("x")
        let own = try TemporaryFolder()
        try own.url.appending(path: "a").put("x")
        let place = own.url
        _ = TemporaryFolder.removeLeftovers()
        #expect(!FileManager.default.fileExists(atPath: dead.plainPath))
        #expect(FileManager.default.fileExists(atPath: place.appending(path: "a").plainPath))
        withExtendedLifetime(own) {}
    }

    @Test("a sealed file in use is not pruned; its description is read alone")
    func pruning() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "a.tokens")
            let format = ChecksummedFile.Format(magic: "TESTTEST", version: 1)
            try ChecksummedFile.write(to: url, format: format) { writer in
                try Array("payload".utf8).withUnsafeBytes { try writer.write($0) }
                return Array("what it is".utf8)
            }
            #expect(ChecksummedFile.description(of: url, format: format) == Array("what it is".utf8))
            let other = ChecksummedFile.Format(magic: "TESTTESX", version: 1)
            #expect(ChecksummedFile.description(of: url, format: other) == nil)
            var file: ChecksummedFile? = try ChecksummedFile(url, format: format)
            #expect(Pruning.isUsed(url) && !Pruning.remove(url))
            withExtendedLifetime(file) {}
            file = nil
            let looked = try ChecksummedFile(url, format: format, isUsed: false)
            #expect(!Pruning.isUsed(url) && Pruning.remove(url))
            #expect(looked.count == 7)
            #expect(try directory.contents() == [])
        }
    }

    @Test("a directory in use is not pruned, nor a file that is being written")
    func directoryInUse() throws {
        try withTemporaryDirectory { directory in
            let folder = directory.appending(path: "key")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            try folder.appending(path: "a").put("12345")
            var use = FileUse(folder)
            #expect(use != nil && Pruning.removeDirectory(folder) == 0)
            #expect(try folder.contents() == ["a"])
            use = nil
            try AtomicFile.write(to: folder.appending(path: "b")) { writer in
                try writer.write("x")
                #expect(Leftovers.remove(in: folder) == nil)
                #expect(Leftovers.list(folder).map(\.isOwned) == [true])
            }
            #expect(try folder.contents() == ["a", "b"])
            #expect(Pruning.removeDirectory(folder) == 6)
            #expect(try directory.contents() == [])
            // Directories in it go too, a link and what is in use stay.
            let inner = folder.appending(path: "inner")
            try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
            try inner.appending(path: "a").put("123")
            try inner.appending(path: "b").put("1234")
            let elsewhere = directory.appending(path: "elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: false)
            try elsewhere.appending(path: "c").put("1")
            let link = folder.appending(path: "link")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: elsewhere)
            use = FileUse(inner.appending(path: "b"))
            #expect(use != nil && Pruning.removeDirectory(folder) == 3)
            #expect(try folder.contents() == ["inner", "link"])
            #expect(try inner.contents() == ["b"])
            use = nil
            try FileManager.default.removeItem(at: link)
            #expect(Pruning.removeDirectory(folder) == 4)
            #expect(try directory.contents() == ["elsewhere"])
            #expect(try elsewhere.contents() == ["c"])
        }
    }

    @Test("the room of a disk is that of the nearest directory that is there")
    func freeSpace() throws {
        try withTemporaryDirectory { directory in
            let there = try #require(FreeSpace.bytes(at: directory))
            let missing = try #require(FreeSpace.bytes(at: directory.appending(path: "a/b/c")))
            #expect(there > 0 && missing > 0)
        }
    }

    #if os(Linux)
        @Test("a mount point cannot be an output")
        func mountPoint() throws {
            #expect(isMountPoint("/proc") && !isMountPoint("/proc/self"))
            let error = #expect(throws: FileError.self) {
                try StagedDirectory.requirePossible(URL(filePath: "/proc"))
            }
            #expect(error?.description.contains("mount point") == true)
        }
    #endif
}
