import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A Hub on 127.0.0.1: real sockets, and faults on demand.
final class HubServer: Sendable {
    struct Request: Sendable {
        let method: HTTPMethod
        let path: String
        let headers: HTTPHeaders
    }

    struct Reply: Sendable {
        var status: HTTPResponseStatus = .ok
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// Closes the connection after so many bytes of the body.
        var cutAfter: Int?
        /// Says nothing more after so many bytes of the body, and leaves the connection open.
        var stallAfter: Int?
        /// Says nothing at all and closes.
        var isSilent = false
        /// Says nothing at all and leaves the connection open.
        var isStalled = false
        /// Held back until this is so.
        var until: (@Sendable () -> Bool)?
    }

    private let handler = Mutex<@Sendable (Request, Int) -> Reply>({ _, _ in Reply(status: .notFound) })
    private let log = Mutex<[Request]>([])
    private let channel: any Channel

    init() async throws {
        let box = Mutex<HubServer?>(nil)
        let shared = Shared(box)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        shared.server.withLock { $0 = self }
    }

    final class Shared: Sendable {
        let server: Mutex<HubServer?>
        init(_ server: consuming Mutex<HubServer?>) { self.server = server }
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [Request] { log.withLock { $0 } }

    /// Sets what answers; the number counts earlier requests of the same method and path.
    func answer(_ body: @escaping @Sendable (Request, Int) -> Reply) { handler.withLock { $0 = body } }

    func stop() async throws { try await channel.close() }

    fileprivate func reply(_ request: Request) -> Reply {
        let earlier = log.withLock { log in
            defer { log.append(request) }
            return log.count { $0.method == request.method && $0.path == request.path }
        }
        return handler.withLock { $0 }(request, earlier)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let shared: Shared
        private var head: HTTPRequestHead?

        init(_ shared: Shared) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body: break
            case .end:
                guard let head, let server = shared.server.withLock({ $0 }) else { return }
                let request = Request(method: head.method, path: head.uri, headers: head.headers)
                wait(for: server.reply(request), to: request, context)
            }
        }

        private func wait(for reply: Reply, to request: Request, _ context: ChannelHandlerContext) {
            guard let until = reply.until, !until() else { return send(reply, to: request, context) }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(5)) {
                let (handler, context) = bound.value
                handler.wait(for: reply, to: request, context)
            }
        }

        private func send(_ reply: Reply, to request: Request, _ context: ChannelHandlerContext) {
            if reply.isStalled { return }
            if reply.isSilent {
                context.close(promise: nil)
                return
            }
            var headers = HTTPHeaders(reply.headers)
            if !headers.contains(name: "Content-Length") {
                headers.add(name: "Content-Length", value: "\(reply.body.count)")
            }
            let head = HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            let body = (reply.cutAfter ?? reply.stallAfter).map { Array(reply.body.prefix($0)) } ?? reply.body
            if request.method != .HEAD, !body.isEmpty {
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            }
            if reply.stallAfter != nil, request.method != .HEAD {
                context.flush()
            } else if reply.cutAfter != nil, request.method != .HEAD {
                let channel = context.channel
                context.flush()
                channel.eventLoop.scheduleTask(in: .milliseconds(20)) { channel.close(promise: nil) }
            } else {
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
