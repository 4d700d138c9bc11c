import NIOCore
import NIOPosix
import Synchronization

/// A proxy on 127.0.0.1 that knows `CONNECT` alone: it opens a real connection and passes bytes on.
final class TunnelProxy: Sendable {
    private let log: Log
    private let channel: any Channel

    /// The requests' heads.
    private final class Log: Sendable {
        let heads = Mutex<[String]>([])
    }

    /// - Parameter answer: What is said to a `CONNECT`; the connection is opened where it begins with 200.
    init(answer: String = "200 OK") async throws {
        let log = Log()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Entrance(log, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var heads: [String] { log.heads.withLock { $0 } }

    func stop() async throws { try await channel.close() }

    /// Reads the head, opens the connection, and passes on what follows.
    private final class Entrance: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let log: Log
        private let answer: String
        private var head = ""
        private var target: (any Channel)?

        init(_ log: Log, _ answer: String) {
            self.log = log
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if let target { return target.writeAndFlush(bytes, promise: nil) }
            head += String(buffer: bytes)
            guard head.hasSuffix("\r\n\r\n") else { return }
            log.heads.withLock { $0.append(head) }
            let words = head.split(separator: " ")
            let place = words.count > 1 ? words[1].split(separator: ":") : []
            guard words.first == "CONNECT", answer.hasPrefix("200"), place.count == 2,
                let port = Int(place[1])
            else { return reply(answer.hasPrefix("200") ? "405 No" : answer, context) }
            let client = context.channel
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Exit(client))
                    }
                }
                .connect(host: String(place[0]), port: port)
                .whenComplete { result in
                    let (handler, context) = bound.value
                    switch result {
                    case .success(let channel):
                        handler.target = channel
                        handler.reply(handler.answer, context)
                    case .failure: handler.reply("502 Bad Gateway", context)
                    }
                }
        }

        func channelInactive(context: ChannelHandlerContext) { target?.close(promise: nil) }

        private func reply(_ status: String, _ context: ChannelHandlerContext) {
            let text = "HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"
            // A tunnel's answer has no body, and so no length.
            let head = status.hasPrefix("200") ? "HTTP/1.1 \(status)\r\n\r\n" : text
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
        }
    }

    /// Passes back what the server says.
    private final class Exit: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let client: any Channel

        init(_ client: any Channel) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            client.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    }
}
