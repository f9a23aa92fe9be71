-- SPDX-License-Identifier: GPL-3.0-or-later
-- Debian's prosody-modules has SASL2, Bind 2 and FAST for a newer Prosody than Debian's 0.12. This is what they miss there: three
-- functions of a connection, one of a stanza, the header of the stream, dates of whole seconds, SCRAM that binds to tls-exporter,
-- and XEP-0440. For tests only.

local datetime = require "util.datetime";
local sasl = require "util.sasl";
local st = require "util.stanza";

require "util.sasl.scram".init(function (name, backends, run, binds)
	sasl.registerMechanism(name, backends, run, binds and { "tls-unique", "tls-exporter" });
end);

function st.stanza_mt.__index:get_child_attr(name, xmlns, attr)
	local child = self:get_child(name, xmlns);
	return child and child.attr[attr];
end

local format = datetime.datetime;
function datetime.datetime(time)
	return format(time and math.floor(time));
end

local function add_functions(conn)
	local functions = getmetatable(conn).__index;
	if functions.ssl_info then return; end
	for name, of_socket in pairs({
		ssl_info = "info", ssl_peerfinished = "getpeerfinished", ssl_exportkeyingmaterial = "exportkeyingmaterial",
	}) do
		functions[name] = function (self, ...)
			local socket = self:socket();
			return socket[of_socket] and socket[of_socket](socket, ...);
		end
	end
end

module:hook("stream-features", function (event)
	add_functions(event.origin.conn);
	event.stream = event.stream or { from = "somebody@"..module.host };
end, 100);

-- mod_saslauth comes after mod_sasl2 and forgets what that one can bind to.
module:hook("stream-features", function (event)
	event.origin.sasl2_handler = event.origin.sasl_handler;
end, 0.5);

module:hook("stream-features", function (event)
	local origin = event.origin;
	if origin.type ~= "c2s_unauthed" or not origin.sasl2_handler then return; end
	origin.sasl_handler = origin.sasl2_handler;
	local types, binds = st.stanza("sasl-channel-binding", { xmlns = "urn:xmpp:sasl-cb:0" }), false;
	for name in pairs(origin.sasl_handler.profile.cb or {}) do
		types:tag("channel-binding", { type = name }):up();
	end
	for name in pairs(origin.sasl_handler:mechanisms()) do
		binds = binds or name:match("%-PLUS$");
	end
	if binds then
		event.features:add_direct_child(types);
	end
end, -100);
