import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Output directories")
struct StagedDirectoryTests {
    @Test("nothing is at the destination before the commit, everything after it, and nothing else is left")
    func commit() throws {
        try withTemporaryDirectory { directory in
            let destination = directory.appending(path: "student")
            let staged = try StagedDirectory(for: destination, overwrite: false)
            #expect(staged.url.lastPathComponent.hasPrefix(".student.partial-"))
            try staged.url.appending(path: "config.json").put("{}")
            #expect(!FileManager.default.fileExists(atPath: destination.plainPath))
            try staged.commit()
            #expect(try directory.contents() == ["student"])
            #expect(try destination.contents() == ["config.json"])
            staged.discard()  // does nothing any more
            try staged.commit()
            #expect(try destination.contents() == ["config.json"])
        }
    }

    @Test("what is not committed goes away with the object, directories made above it too")
    func discard() throws {
        try withTemporaryDirectory { directory in
            let destination = directory.appending(path: "runs/one/student")
            do {
                let staged = try StagedDirectory(for: destination, overwrite: false)
                try staged.url.appending(path: "file").put("x")
                #expect(try directory.contents() == ["runs"])
                withExtendedLifetime(staged) {}
            }
            #expect(try directory.contents() == [])
            let staged = try StagedDirectory(for: destination, overwrite: false)
            try directory.appending(path: "runs/other").put("someone else's")
            staged.discard()
            #expect(try directory.appending(path: "runs").contents() == ["other"])
        }
    }

    @Test("a directory that is not empty is kept, with advice, unless it may be overwritten")
    func existing() throws {
        try withTemporaryDirectory { directory in
            let destination = directory.appending(path: "student")
            try FileManager.default.createDirectory(at: destination, withIntermediateDirectories: false)
            try destination.appending(path: "old").put("old")
            let error = #expect(throws: FileError.exists(destination.plainPath)) {
                try StagedDirectory(for: destination, overwrite: false)
            }
            #expect(error?.description.contains("pass --overwrite") == true)

            let staged = try StagedDirectory(for: destination, overwrite: true)
            try staged.url.appending(path: "new").put("new")
            #expect(try destination.contents() == ["old"])
            try staged.commit()
            #expect(try destination.contents() == ["new"])
            #expect(try directory.contents() == ["student"])

            do {
                let abandoned = try StagedDirectory(for: destination, overwrite: true)
                try abandoned.url.appending(path: "newer").put("x")
            }
            #expect(try destination.contents() == ["new"])
            #expect(try directory.contents() == ["student"])
        }
    }

    @Test("an empty directory is filled, but not if something came into it meanwhile")
    func emptyDirectory() throws {
        try withTemporaryDirectory { directory in
            let destination = directory.appending(path: "out/")
            try FileManager.default.createDirectory(at: destination, withIntermediateDirectories: false)
            let staged = try StagedDirectory(for: destination, overwrite: false)
            try staged.url.appending(path: "a").put("x")
            try staged.commit()
            #expect(try destination.contents() == ["a"])

            let other = directory.appending(path: "other")
            let second = try StagedDirectory(for: other, overwrite: false)
            try FileManager.default.createDirectory(at: other, withIntermediateDirectories: false)
            try other.appending(path: "theirs").put("x")
            #expect(throws: FileError.exists(other.plainPath)) { try second.commit() }
            #expect(try other.contents() == ["theirs"])
            #expect(try directory.contents() == ["other", "out"])
        }
    }

    @Test("a link is followed: the directory it leads to is replaced, the link stays")
    func symbolicLink() throws {
        try withTemporaryDirectory { directory in
            let real = directory.appending(path: "real")
            let link = directory.appending(path: "link")
            try FileManager.default.createDirectory(at: real, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: real)
            let staged = try StagedDirectory(for: link, overwrite: false)
            try staged.url.appending(path: "a").put("x")
            try staged.commit()
            #expect(try real.contents() == ["a"])
            #expect(try link.resolvingSymlinksInPath().contents() == ["a"])
            #expect(try directory.contents() == ["link", "real"])
        }
    }

    @Test("files, the current and the home directory are never replaced")
    func refused() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try file.put("x")
            for destination in [file, file.appending(path: "below")] {
                #expect(throws: FileError.notADirectory(file.plainPath)) {
                    try StagedDirectory(for: destination, overwrite: true)
                }
            }
            #expect(try file.text() == "x")
            for path in [".", "..", "/", NSHomeDirectory()] {
                let error = #expect(throws: FileError.self) {
                    try StagedDirectory(for: URL(fileURLWithPath: path), overwrite: true)
                }
                #expect(error?.description.contains("name a new directory") == true)
            }
        }
    }
}
