// The coverage-guided fuzzer: libFuzzer's driver with one of the subjects.
//
//   fuzz SUBJECT [libFuzzer's options and corpus directories]
//   fuzz --list

import Foundation
import FuzzSubjects

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ parse: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

nonisolated(unsafe) var subject = FuzzSubject.all[0]

let names = FuzzSubject.all.map(\.name)
let wanted = CommandLine.arguments.dropFirst().first
if wanted == "--list" {
    for subject in FuzzSubject.all { print(([subject.name] + subject.seeds).joined(separator: " ")) }
    exit(0)
}
guard let found = FuzzSubject.all.first(where: { $0.name == wanted }) else {
    FileHandle.standardError.write(Data("fuzz: give one of \(names.joined(separator: ", "))\n".utf8))
    exit(64)
}
subject = found

// The driver's arguments are those after the subject's name.
var arguments = CommandLine.unsafeArgv
arguments[1] = arguments[0]
arguments = arguments.advanced(by: 1)
var count = CommandLine.argc - 1
let status = runDriver(&count, &arguments) { bytes, size in
    subject.parse(Array(UnsafeBufferPointer(start: bytes, count: size)))
    return 0
}
FuzzSubject.removeScratch()
exit(status)
