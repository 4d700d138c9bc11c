import Foundation
import TestSupport
import Testing

@testable import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Writing files")
struct AtomicFileTests {
    @Test("bytes, data and text arrive, and replace what was there")
    func write() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "with space é %20.txt")
            try AtomicFile.write([0x68, 0x69], to: url)
            #expect(try url.text() == "hi")
            try AtomicFile.write("tëxt", to: url)
            #expect(try url.text() == "tëxt")
            try AtomicFile.write(Data("data".utf8), to: url)
            #expect(try url.text() == "data")
            try AtomicFile.write(stride(from: UInt8(65), to: 70, by: 1).lazy.map { $0 }, to: url)
            #expect(try url.text() == "ABCDE")
            try AtomicFile.write("", to: url)
            #expect(try url.text() == "")
            #expect(try directory.contents() == [url.lastPathComponent])
        }
    }

    @Test("pieces of every size arrive in order, below and above the buffer's size")
    func pieces() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "pieces")
            var expected: [UInt8] = []
            try AtomicFile.write(to: url) { writer in
                for (index, size) in [1, 0, 1000, 262_143, 1, 262_144, 7, 600_000, 3, 200_000, 100_000]
                    .enumerated()
                {
                    let piece = [UInt8](repeating: UInt8(index), count: size)
                    expected += piece
                    try writer.write(piece)
                }
            }
            #expect(try Data(contentsOf: url) == Data(expected))
        }
    }

    @Test("after a failure half-way the old file is as it was, and nothing else remains")
    func failureKeepsOld() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            try url.put("old")
            #expect(throws: Interruption.self) {
                try AtomicFile.write(to: url) { writer in
                    try writer.write([UInt8](repeating: 0, count: 1 << 20))
                    #expect(try url.text() == "old")
                    throw Interruption()
                }
            }
            #expect(try url.text() == "old")
            #expect(try directory.contents() == ["file"])
        }
    }

    @Test("a destination that cannot be is refused before anything is written")
    func refusedDestinations() throws {
        try withTemporaryDirectory { directory in
            let missing = directory.appending(path: "none")
            #expect(throws: FileError.missing(missing.plainPath)) {
                try AtomicFile.write("x", to: missing.appending(path: "file"))
            }
            #expect(throws: FileError.notAFile(directory.plainPath)) {
                try AtomicFile.write("x", to: directory)
            }
            let file = directory.appending(path: "file")
            try file.put("x")
            #expect(throws: FileError.notADirectory(file.plainPath)) {
                try AtomicFile.write("x", to: file.appending(path: "below"))
            }
            // Renaming a file over a device would remove the device.
            #expect(throws: FileError.notAFile("/dev/null")) {
                try AtomicFile.write("x", to: URL(fileURLWithPath: "/dev/null"))
            }
            let long = directory.appending(path: String(repeating: "n", count: 300))
            #expect(throws: FileError.writeFailed(long.plainPath, reason: "File name too long")) {
                try AtomicFile.write("x", to: long)
            }
            #expect(try directory.contents() == ["file"])
        }
    }

    #if os(Linux)
        @Test("a full disk is one clear line with the path and the system's words")
        func fullDisk() throws {
            let descriptor = open("/dev/full", O_WRONLY)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            let writer = FileWriter(descriptor: descriptor, path: "out/model.safetensors")
            try writer.write("buffered")
            let error = #expect(throws: FileError.self) { try writer.synchronize() }
            #expect(
                error?.description
                    == "out/model.safetensors: cannot be written: No space left on device")
            #expect(throws: FileError.self) { try writer.write([UInt8](repeating: 0, count: 1 << 20)) }
        }

        @Test("a file that outgrows the process's limit is an error, not the end of the program")
        func fileTooLarge() throws {
            // A limit far above what any other test writes, reached by a file that is nearly all hole.
            let limit: rlim_t = 1 << 40
            var old = rlimit()
            try #require(getrlimit(__rlimit_resource_t(1), &old) == 0)  // RLIMIT_FSIZE
            var new = rlimit(rlim_cur: limit, rlim_max: old.rlim_max)
            try #require(setrlimit(__rlimit_resource_t(1), &new) == 0)
            defer { setrlimit(__rlimit_resource_t(1), &old) }
            try withTemporaryDirectory { directory in
                let url = directory.appending(path: "file")
                let descriptor = open(url.plainPath, O_WRONLY | O_CREAT, 0o600)
                defer { close(descriptor) }
                try #require(lseek(descriptor, off_t(limit), SEEK_SET) == off_t(limit))
                let writer = FileWriter(descriptor: descriptor, path: "out/file")
                try writer.write("x")
                let error = #expect(throws: FileError.self) { try writer.synchronize() }
                #expect(error?.description == "out/file: cannot be written: File too large")
            }
        }
    #endif
}
