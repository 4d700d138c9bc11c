import Foundation

/// Waits with an end: until something listens at an address, or something else is so.
enum Reachability {
    /// Waits until a connection can be made.
    ///
    /// - Parameter onWait: Called once with a line, where it takes long.
    /// - Throws: ``ProcessLossError`` for a name that is of no machine, and where nothing listens in time.
    static func wait(
        for host: String, port: Int, until end: Date, onWait: (String) -> Void
    ) throws {
        var addresses: UnsafeMutablePointer<addrinfo>?
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        let code = getaddrinfo(host, String(port), &hints, &addresses)
        guard code == 0 else {
            throw ProcessLossError("there is no machine of this name: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(addresses) }
        func isThere() -> Bool {
            var next = addresses
            while let address = next {
                if connects(address.pointee) { return true }
                next = address.pointee.ai_next
            }
            return false
        }
        let isInTime = repeatedly(
            every: 0.2, until: end, isSo: isThere,
            onWait: { onWait("Waiting for process 0 at \(host):\(port).") })
        guard !isInTime else { return }
        throw ProcessLossError("nothing listens there; start process 0 first, or name its machine")
    }

    /// Asks again and again whether something is so.
    ///
    /// - Parameter onWait: Called once, where it takes more than five seconds.
    /// - Returns: False where it is not in time.
    static func repeatedly(
        every interval: Double, until end: Date, isSo: () throws -> Bool, onWait: () -> Void
    ) rethrows -> Bool {
        let saysAt = Date(timeIntervalSinceNow: 5)
        var isSaid = false
        while true {
            if try isSo() { return true }
            guard Date() < end else { return false }
            if !isSaid, Date() > saysAt {
                isSaid = true
                onWait()
            }
            Thread.sleep(forTimeInterval: interval)
        }
    }

    private static func connects(_ address: addrinfo) -> Bool {
        let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A machine that drops what it is sent would hold a connection for minutes.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&poller, 1, 2000) == 1 else { return false }
        var (error, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0
    }
}
