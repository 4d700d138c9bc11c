import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The memory regions of mapped files, in a form that a signal handler may read.
enum MappedRegions {
    struct Region {
        var base: UInt
        var count: UInt
        var path: UnsafeMutablePointer<CChar>?
    }

    /// More files than this are mapped all the same, but not named.
    static let capacity = 1024
    private static let lock = Mutex(())
    /// Allocated with the first mapping and never freed: the handler may come at any time.
    nonisolated(unsafe) static var regions: UnsafeMutablePointer<Region>?

    static func add(_ base: UnsafeMutableRawPointer, count: Int, path: String) {
        lock.withLock { _ in
            if regions == nil {
                let new = UnsafeMutablePointer<Region>.allocate(capacity: capacity)
                new.initialize(repeating: Region(base: 0, count: 0, path: nil), count: capacity)
                regions = new
            }
            guard let regions, let free = (0..<capacity).first(where: { regions[$0].base == 0 }) else {
                return
            }
            regions[free].path = strdup(path)
            regions[free].count = UInt(count)
            regions[free].base = UInt(bitPattern: base)
        }
    }

    static func remove(_ base: UnsafeMutableRawPointer) {
        lock.withLock { _ in
            guard let regions,
                let place = (0..<capacity).first(where: { regions[$0].base == UInt(bitPattern: base) })
            else { return }
            regions[place].base = 0
            free(regions[place].path)
            regions[place].path = nil
        }
    }
}

extension MappedFile {
    /// Ends the process with one line and exit code 1 where a mapped file is shortened while it is read.
    ///
    /// For programs, not for libraries: it takes the process's SIGBUS. Other reasons for the signal end the process as
    /// they would without it.
    public static func endsWhereShortened() {
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = Int32(SA_SIGINFO)
        #if canImport(Darwin)
            action.__sigaction_u.__sa_sigaction = { _, info, _ in
                mappedFileFault(UInt(bitPattern: info?.pointee.si_addr))
            }
        #else
            action.__sigaction_handler.sa_sigaction = { _, info, _ in
                mappedFileFault(UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr))
            }
        #endif
        sigaction(SIGBUS, &action, nil)
    }
}

/// Runs in a signal handler: it allocates nothing and takes no lock.
private func mappedFileFault(_ address: UInt) {
    guard let regions = MappedRegions.regions else { return faultAgain() }
    var place = 0
    while place < MappedRegions.capacity {
        let region = regions[place]
        if region.base != 0, address >= region.base, address - region.base < region.count,
            let path = region.path
        {
            say("\nError: ")
            _ = write(STDERR_FILENO, path, strlen(path))
            say(": was shortened while it was read; put the whole file back and start again\n")
            _exit(1)
        }
        place += 1
    }
    faultAgain()
}

/// The instruction that failed is tried again, and ends the process this time.
private func faultAgain() { signal(SIGBUS, SIG_DFL) }

private func say(_ text: StaticString) { _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount) }
