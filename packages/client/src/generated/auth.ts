// Generated from docs/openapi/auth.json by `npm run openapi`.

export interface paths {
    readonly "/.well-known/jwks.json": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Public keys of the tokens
         * @description JWK Set (RFC 7517) of every key whose tokens may be good, and of the one that signs next.
         */
        readonly get: operations["getJwks"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/.well-known/oauth-authorization-server": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Metadata of the authorization server
         * @description Where the endpoints are and what they take (RFC 8414). Users log in by `POST /api/v1/login`, so there is no authorization endpoint; neither is this an OpenID provider.
         */
        readonly get: operations["getServerMetadata"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/.well-known/openid-configuration": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Metadata of the authorization server
         * @description Where the endpoints are and what they take (RFC 8414). Users log in by `POST /api/v1/login`, so there is no authorization endpoint; neither is this an OpenID provider.
         */
        readonly get: operations["getOpenidConfiguration"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/clients": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List registered clients, newest first
         * @description Services and gateways that ask for tokens of their own. Secrets are not shown.
         */
        readonly get: operations["listClients"];
        readonly put?: never;
        /**
         * Register a client
         * @description Answers with its secret, which is shown this once. Without a `client_id` it is given one.
         */
        readonly post: operations["createClient"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/clients/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Read a registered client
         * @description All but its secret, of which only a hash is kept.
         */
        readonly get: operations["getClient"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Delete a client
         * @description Its tokens die. Answers with what was deleted.
         */
        readonly delete: operations["deleteClient"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change a client
         * @description Its tokens die when it is disabled, and when a scope is taken away from it.
         */
        readonly patch: operations["updateClient"];
        readonly trace?: never;
    };
    readonly "/api/v1/clients/{id}/secret": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Give a client another secret
         * @description The old secret and every token of the client die. The new one is shown this once.
         */
        readonly post: operations["rotateClientSecret"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/login": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Log in
         * @description Opens a session and answers with its token pair. The username may be the email. After 10 failures with one account from one address, each further attempt has to wait: 1 s, and twice as long each time, up to 15 minutes. After 20 from all addresses it is up to 5 s, but not where the account has been entered from in the last 30 days; from there up to 100 attempts may be under way at once as long as none has failed. Attempts that come too early are 429 with `Retry-After`.
         */
        readonly post: operations["login"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/logout": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Log out
         * @description Ends the session. When this answers 200, every verifier refuses its tokens; 202 means that it is decided, and that not every verifier has said so yet. Repeating it is harmless: it takes any unexpired token of the session, also one that is superseded or revoked.
         */
        readonly post: operations["logout"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/logout_all": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Log out on every device
         * @description Ends every session of the user, the one of this request too.
         */
        readonly post: operations["logoutAll"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/refresh": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Exchange a refresh token for the next pair
         * @description The refresh token comes in the body, else as `Authorization: Bearer`. It can be used once; a second use within a few seconds answers with the same successor, a later one ends the session.
         */
        readonly post: operations["refresh"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/revocations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Follow the revocation log
         * @description For verifiers that have no Redis. Answers at once if there is something new, else within half a second. With `verifier` the question is also an ack: it enters the table of verifiers whom every revocation waits for, tells by `position` what it has applied, and its `mark` comes back, from whose sending the age of what it knows is counted. A client has at most 200 verifiers; a further one is answered with 429, and does not join.
         */
        readonly get: operations["listRevocations"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/roles": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List roles, newest first
         * @description The built-in ones, `admin`, `moderator` and `user`, among them.
         */
        readonly get: operations["listRoles"];
        readonly put?: never;
        /**
         * Create a role
         * @description A name for what services make of it: the roles of a user are a claim of each access token.
         */
        readonly post: operations["createRole"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/roles/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /**
         * Delete a role that nobody holds
         * @description Answers with what was deleted. Built-in roles stay.
         */
        readonly delete: operations["deleteRole"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/signup": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Sign up
         * @description Makes a user with the role `user`. Usernames and emails are unique without regard to case. A key that comes again with another body counts as a failed login with the username.
         */
        readonly post: operations["signup"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List users, newest first
         * @description Admins see email, roles and status too.
         */
        readonly get: operations["listUsers"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Read a user
         * @description As the user sees itself.
         */
        readonly get: operations["getUser"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}/logins": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List the attempts to log in as a user, newest first
         * @description Each with where it came from and how it went.
         */
        readonly get: operations["listLogins"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}/logout_all": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Log a user out on every device
         * @description Ends every session of the user, and kills every token.
         */
        readonly post: operations["logoutUser"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}/roles": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Replace the roles of a user
         * @description The user’s access tokens die at once; the sessions live on and refresh into the new roles. The last active admin stays one.
         */
        readonly put: operations["replaceUserRoles"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}/roles/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Give a user a role
         * @description The user’s access tokens die at once; the sessions live on and refresh into the new roles. The last active admin stays one.
         */
        readonly put: operations["grantRole"];
        readonly post?: never;
        /**
         * Take a role away from a user
         * @description The user’s access tokens die at once; the sessions live on and refresh into the new roles. The last active admin stays one.
         */
        readonly delete: operations["takeRole"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/{id}/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Disable a user, or enable it again
         * @description To disable a user ends every session and kills every token. The last active admin stays active.
         */
        readonly put: operations["changeUserStatus"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/changes": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Follow the users
         * @description For services that keep something of users: first all of them as they are, then every signup, new username and deletion in the order of their commits, each at least once. Keep `next` together with what was made of the items. A cursor is good for a week; `CURSOR_EXPIRED` means to begin again.
         */
        readonly get: operations["listUserChanges"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The user whose token this is
         * @description With everything that the user may know and change.
         */
        readonly get: operations["getMe"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Delete the user
         * @description Answers with the user as it was. Its sessions end, its tokens die, its posts and tasks go. The last active admin cannot be deleted.
         */
        readonly delete: operations["deleteMe"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change the profile
         * @description Answers with the changed user and a new token pair of this session. The access token of the request dies. Its refresh token gives the new pair once more if the answer is lost, until the new one is used.
         */
        readonly patch: operations["updateMe"];
        readonly trace?: never;
    };
    readonly "/api/v1/users/me/export": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * All that is kept about the user
         * @description The user, every session and every attempt to log in that is still kept.
         */
        readonly get: operations["exportMe"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/me/logins": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List the attempts to log in as the user
         * @description Newest first, each with where it came from and how it went. Attempts that were turned away without a look at the password are kept up to 100 an hour.
         */
        readonly get: operations["listMyLogins"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/me/password": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Change the password
         * @description Ends every session of the user, also the one of this request, and answers with the token pair of a new one. A wrong `current_password` is throttled as a failed login is, and counts for the user, whatever the username.
         */
        readonly put: operations["changePassword"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/me/sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List the sessions of the user
         * @description The devices that are logged in, the one that logged in last first.
         */
        readonly get: operations["listMySessions"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/users/me/sessions/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /**
         * End one session of the user
         * @description Logs one device out, perhaps this one. Answers with the session as it was.
         */
        readonly delete: operations["endMySession"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/verify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Tell a gateway who is calling
         * @description For gateways that ask before they pass a request on (forward-auth, auth_request, ext_authz): any method, and any path below, since some of them append that of the request. 200 with headers about the user, to be passed on in the place of any that the client sent; 401 for a bad token, 403 for a role that the user lacks and for the token of a client. Not counted by the limit of requests, and never to be kept by a cache.
         */
        readonly get: operations["verify"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/health/live": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Whether the process runs
         * @description Asks no dependency: who fails here is to be started again.
         */
        readonly get: operations["getLiveness"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/health/ready": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Whether requests should be sent here
         * @description Asks every store that the service needs; fails also while the service stops.
         */
        readonly get: operations["getReadiness"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/oauth/introspect": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Introspection endpoint
         * @description RFC 7662: whether a token is good at this moment, and what it says. Takes access tokens of users and clients, and refresh tokens. The client needs the scope `tokens:introspect`.
         */
        readonly post: operations["introspectToken"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/oauth/revoke": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Revocation endpoint
         * @description RFC 7009, at once: after a 200 no verifier accepts the token. A refresh token ends its session, with all of its tokens; an access token dies alone. Clients revoke their own tokens, those with the scope `tokens:revoke` any. The tokens of logins belong to the public client `portcullis`. Tokens that are not known, or have expired, are answered with 200 as well.
         */
        readonly post: operations["revokeToken"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/oauth/token": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Token endpoint
         * @description RFC 6749 section 3.2. `client_credentials` gives a registered client an access token with its scopes; the client authenticates by `client_secret_basic` or `client_secret_post`. `refresh_token` exchanges the refresh token of a login for the next pair; logins belong to the public client `portcullis`.
         */
        readonly post: operations["issueToken"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/problems": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List the error codes
         * @description As JSON, or as a page for those who accept `text/html` rather.
         */
        readonly get: operations["listProblems"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/problems/{code}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * What an error code means
         * @description Where the `type` of a problem leads: what happened, and what to do. As JSON, or as a page for those who accept `text/html` rather.
         */
        readonly get: operations["getProblem"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description The password there is, and the one that shall be
         * @example {
         *       "current_password": "correct horse battery staple",
         *       "new_password": "a fresher horse, a better battery"
         *     }
         */
        readonly ChangePasswordBody: {
            /**
             * Format: text
             * @example correct horse battery staple
             */
            readonly current_password: string;
            /**
             * Format: text
             * @description 8 to 256 characters; common ones are refused
             * @example correct horse battery staple
             */
            readonly new_password: string;
        };
        /**
         * @description A registered client
         * @example {
         *       "client_id": "billing",
         *       "name": "Billing",
         *       "scopes": [
         *         "revocations:read"
         *       ],
         *       "status": "active",
         *       "created_at": "2026-11-21T09:30:00.000Z",
         *       "updated_at": "2026-11-21T09:30:00.000Z"
         *     }
         */
        readonly Client: {
            /**
             * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
             * @example billing
             */
            readonly client_id: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: text
             * @description For people to read
             * @example Billing
             */
            readonly name: string;
            readonly scopes: readonly string[];
            readonly status: "active" | "disabled";
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "client_id": "billing",
         *           "name": "Billing",
         *           "scopes": [
         *             "revocations:read"
         *           ],
         *           "status": "active",
         *           "created_at": "2026-11-21T09:30:00.000Z",
         *           "updated_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly ClientPage: {
            readonly items: readonly components["schemas"]["Client"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description A registered client with the secret that it has just been given
         * @example {
         *       "client_id": "billing",
         *       "name": "Billing",
         *       "scopes": [
         *         "revocations:read"
         *       ],
         *       "status": "active",
         *       "created_at": "2026-11-21T09:30:00.000Z",
         *       "updated_at": "2026-11-21T09:30:00.000Z",
         *       "client_secret": "shown once"
         *     }
         */
        readonly ClientWithSecret: {
            /**
             * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
             * @example billing
             */
            readonly client_id: string;
            /** @description Shown this once; only its hash is kept */
            readonly client_secret: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: text
             * @description For people to read
             * @example Billing
             */
            readonly name: string;
            readonly scopes: readonly string[];
            readonly status: "active" | "disabled";
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
        };
        /**
         * @description A client to be
         * @example {
         *       "client_id": "billing",
         *       "name": "Billing",
         *       "scopes": [
         *         "revocations:read"
         *       ]
         *     }
         */
        readonly CreateClientBody: {
            /**
             * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
             * @example billing
             */
            readonly client_id?: string;
            /**
             * Format: text
             * @description For people to read
             * @example Billing
             */
            readonly name: string;
            readonly scopes: readonly string[];
        };
        /**
         * @description A role to be
         * @example {
         *       "name": "editor",
         *       "description": "May change the posts of others"
         *     }
         */
        readonly CreateRoleBody: {
            /**
             * Format: text
             * @example May change and delete the posts of others
             */
            readonly description?: string;
            /** @example moderator */
            readonly name: string;
        };
        /**
         * @description It is well
         * @example {
         *       "status": "ok"
         *     }
         */
        readonly Health: {
            /** @enum {string} */
            readonly status: "ok";
        };
        /**
         * @description What the token says; of a token that is not good, `active` alone
         * @example {
         *       "active": true,
         *       "token_type": "Bearer",
         *       "client_id": "portcullis",
         *       "sub": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *       "iss": "http://localhost:8080",
         *       "aud": "portcullis",
         *       "iat": 1795253400,
         *       "exp": 1795254300,
         *       "jti": "019a5c3f-2b11-7d20-a4c8-9f3e6b5d1a70",
         *       "username": "ada.lovelace",
         *       "roles": [
         *         "user"
         *       ],
         *       "sid": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
         *     }
         */
        readonly Introspection: {
            readonly active: boolean;
            readonly aud?: string | readonly string[];
            readonly client_id?: string;
            /** @description Seconds since 1970 */
            readonly exp?: number;
            /** @description Seconds since 1970 */
            readonly iat?: number;
            readonly iss?: string;
            readonly jti?: string;
            readonly roles?: readonly string[];
            /** @description Of a registered client */
            readonly scope?: string;
            /** @description The session of a user */
            readonly sid?: string;
            readonly sub?: string;
            /**
             * @description Of access tokens
             * @enum {string}
             */
            readonly token_type?: "Bearer";
            readonly username?: string;
        };
        /**
         * @description A public key (RFC 7517 section 4)
         * @example {
         *       "kty": "EC",
         *       "kid": "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
         *       "use": "sig",
         *       "alg": "ES256",
         *       "crv": "P-256",
         *       "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         *       "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
         *     }
         */
        readonly Jwk: {
            readonly alg: "ES256" | "RS256";
            readonly crv?: string;
            readonly e?: string;
            readonly kid: string;
            readonly kty: string;
            readonly n?: string;
            /** @enum {string} */
            readonly use: "sig";
            readonly x?: string;
            readonly y?: string;
        };
        /**
         * @description A set of public keys (RFC 7517 section 5)
         * @example {
         *       "keys": [
         *         {
         *           "kty": "EC",
         *           "kid": "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
         *           "use": "sig",
         *           "alg": "ES256",
         *           "crv": "P-256",
         *           "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         *           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
         *         }
         *       ]
         *     }
         */
        readonly Jwks: {
            readonly keys: readonly components["schemas"]["Jwk"][];
        };
        /**
         * @description A user as users see each other; what is optional only admins see
         * @example {
         *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *       "username": "ada.lovelace",
         *       "created_at": "2026-11-21T09:30:00.000Z"
         *     }
         */
        readonly ListedUser: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            readonly email?: string | null;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            readonly roles?: readonly string[];
            readonly status?: "active" | "disabled";
            /**
             * @description 3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case
             * @example ada.lovelace
             */
            readonly username: string;
        };
        /**
         * @description An attempt to log in
         * @example {
         *       "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
         *       "at": "2026-11-21T09:30:00.000Z",
         *       "ip": "203.0.113.7",
         *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *       "outcome": "success",
         *       "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
         *     }
         */
        readonly LoginAttempt: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly at: string;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            readonly ip: string | null;
            /** @description `success`; `wrong_password`; `disabled`: the password was right, the user is disabled; `throttled`: too many failures before; `busy`: the service had too many passwords to check */
            readonly outcome: "success" | "wrong_password" | "disabled" | "throttled" | "busy";
            /** @description The session that a success opened */
            readonly session_id: string | null;
            readonly user_agent: string | null;
        };
        /**
         * @description Who logs in
         * @example {
         *       "username": "ada.lovelace",
         *       "password": "correct horse battery staple"
         *     }
         */
        readonly LoginBody: {
            /**
             * Format: text
             * @example correct horse battery staple
             */
            readonly password: string;
            /**
             * Format: text
             * @description The username or the email, without regard to case
             * @example ada.lovelace
             */
            readonly username: string;
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
         *           "at": "2026-11-21T09:30:00.000Z",
         *           "ip": "203.0.113.7",
         *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *           "outcome": "success",
         *           "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly LoginPage: {
            readonly items: readonly components["schemas"]["LoginAttempt"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description An error of the routes under /oauth (RFC 6749 section 5.2)
         * @example {
         *       "error": "invalid_client",
         *       "error_description": "The client is not known, or its secret is wrong"
         *     }
         */
        readonly OAuthError: {
            /** @example invalid_client */
            readonly error: string;
            /** @description For developers to read */
            readonly error_description?: string;
        };
        /** @description The body of every error (RFC 9457) */
        readonly Problem: {
            /** @description Stable name of the error */
            readonly code: string;
            /** @description What happened this time */
            readonly detail?: string;
            /** @description The fields at fault */
            readonly errors?: readonly {
                /** @description Stable name of what is wrong with the field */
                readonly code: string;
                /** @description What was expected; never what was sent */
                readonly detail: string;
                /** @description Name of the path, query or header parameter */
                readonly parameter?: string;
                /** @description JSON pointer into the body */
                readonly pointer?: string;
            }[];
            /** @description Id of the request, also in the log */
            readonly instance: string;
            /** @description That of the answer */
            readonly status: number;
            /** @description The same for each error of this code */
            readonly title: string;
            /**
             * Format: uri-reference
             * @description Leads to a page about this code
             */
            readonly type: string;
        };
        /**
         * @description Every error code
         * @example {
         *       "items": [
         *         {
         *           "type": "http://localhost:8080/problems/NOT_FOUND",
         *           "code": "NOT_FOUND",
         *           "status": 404,
         *           "title": "Not found",
         *           "help": "There is no such route or resource, or it is not yours to see."
         *         }
         *       ]
         *     }
         */
        readonly ProblemIndex: {
            readonly items: readonly components["schemas"]["ProblemPage"][];
        };
        /**
         * @description What the code means
         * @example {
         *       "type": "http://localhost:8080/problems/NOT_FOUND",
         *       "code": "NOT_FOUND",
         *       "status": 404,
         *       "title": "Not found",
         *       "help": "There is no such route or resource, or it is not yours to see."
         *     }
         */
        readonly ProblemPage: {
            readonly code: string;
            /** @description What it means and what to do */
            readonly help: string;
            readonly status: number;
            readonly title: string;
            readonly type: string;
        };
        /**
         * @description The refresh token, unless it comes in the `Authorization` header
         * @example {
         *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
         *     }
         */
        readonly RefreshBody: {
            readonly refresh_token?: string;
        };
        /**
         * @description What has been revoked since
         * @example {
         *       "epoch": 1,
         *       "seq": 42,
         *       "base": 12,
         *       "events": [
         *         {
         *           "epoch": 1,
         *           "seq": 42,
         *           "kind": "session",
         *           "key": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
         *           "value": 0,
         *           "keep_until": 1795257912481,
         *           "at": 1795254012481
         *         }
         *       ],
         *       "more": false,
         *       "mark": "k7Qx2"
         *     }
         */
        readonly RevocationFeed: {
            readonly base: number;
            readonly epoch: number;
            /** @description Those after `after`, oldest first; all there are if that lies before `base` */
            readonly events: readonly {
                readonly at: number;
                readonly epoch: number;
                readonly keep_until: number;
                readonly key: string;
                readonly kind: "session" | "session_gen" | "user" | "token" | "client" | "key";
                readonly seq: number;
                readonly value: number;
            }[];
            /** @description That of the request */
            readonly mark: string | null;
            /** @description Whether there are more than this answer holds */
            readonly more: boolean;
            readonly seq: number;
        };
        /**
         * @description How many sessions ended
         * @example {
         *       "revoked": 1
         *     }
         */
        readonly Revoked: {
            /** @description How many sessions ended; that of a logout counts also if it had ended before */
            readonly revoked: number;
        };
        /**
         * @description A role
         * @example {
         *       "name": "editor",
         *       "description": "May change the posts of others",
         *       "built_in": false,
         *       "created_at": "2026-11-21T09:30:00.000Z"
         *     }
         */
        readonly Role: {
            /** @description Whether it is always there */
            readonly built_in: boolean;
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: text
             * @example May change and delete the posts of others
             */
            readonly description: string;
            /** @example moderator */
            readonly name: string;
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "name": "editor",
         *           "description": "May change the posts of others",
         *           "built_in": false,
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly RolePage: {
            readonly items: readonly components["schemas"]["Role"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description What an OAuth client needs to know of this issuer (RFC 8414 section 2)
         * @example {
         *       "issuer": "http://localhost:8080",
         *       "jwks_uri": "http://localhost:8080/.well-known/jwks.json",
         *       "token_endpoint": "http://localhost:8080/oauth/token",
         *       "token_endpoint_auth_methods_supported": [
         *         "client_secret_basic",
         *         "client_secret_post",
         *         "none"
         *       ],
         *       "grant_types_supported": [
         *         "client_credentials",
         *         "refresh_token"
         *       ],
         *       "response_types_supported": [],
         *       "introspection_endpoint": "http://localhost:8080/oauth/introspect",
         *       "introspection_endpoint_auth_methods_supported": [
         *         "client_secret_basic",
         *         "client_secret_post"
         *       ],
         *       "revocation_endpoint": "http://localhost:8080/oauth/revoke",
         *       "revocation_endpoint_auth_methods_supported": [
         *         "client_secret_basic",
         *         "client_secret_post",
         *         "none"
         *       ],
         *       "service_documentation": "http://localhost:8080/docs"
         *     }
         */
        readonly ServerMetadata: {
            readonly grant_types_supported: readonly string[];
            /** Format: uri */
            readonly introspection_endpoint: string;
            readonly introspection_endpoint_auth_methods_supported: readonly string[];
            /** Format: uri */
            readonly issuer: string;
            /** Format: uri */
            readonly jwks_uri: string;
            /** @description None: there is no authorization endpoint */
            readonly response_types_supported: readonly string[];
            /** Format: uri */
            readonly revocation_endpoint: string;
            readonly revocation_endpoint_auth_methods_supported: readonly string[];
            /** Format: uri */
            readonly service_documentation: string;
            /** Format: uri */
            readonly token_endpoint: string;
            readonly token_endpoint_auth_methods_supported: readonly string[];
        };
        /**
         * @description A session as its user sees it: on which device it is, and when it was used
         * @example {
         *       "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
         *       "created_at": "2026-11-21T09:30:00.000Z",
         *       "last_used_at": "2026-11-21T09:45:12.481Z",
         *       "expires_at": "2026-12-05T09:45:12.481Z",
         *       "ip": "203.0.113.7",
         *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *       "current": true
         *     }
         */
        readonly Session: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /** @description Whether the access token of this request belongs to it */
            readonly current: boolean;
            /**
             * Format: date-time
             * @description When it ends if it is not used again
             */
            readonly expires_at: string;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            readonly ip: string | null;
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly last_used_at: string;
            readonly user_agent: string | null;
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
         *           "created_at": "2026-11-21T09:30:00.000Z",
         *           "last_used_at": "2026-11-21T09:45:12.481Z",
         *           "expires_at": "2026-12-05T09:45:12.481Z",
         *           "ip": "203.0.113.7",
         *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *           "current": true
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly SessionPage: {
            readonly items: readonly components["schemas"]["Session"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description Who signs up
         * @example {
         *       "username": "ada.lovelace",
         *       "password": "correct horse battery staple",
         *       "email": "Ada@example.com"
         *     }
         */
        readonly SignupBody: {
            /**
             * Format: email
             * @description Unique without regard to case, kept as typed
             * @example Ada@example.com
             */
            readonly email?: string;
            /**
             * Format: text
             * @description 8 to 256 characters; common ones are refused
             * @example correct horse battery staple
             */
            readonly password: string;
            /**
             * @description 3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case
             * @example ada.lovelace
             */
            readonly username: string;
        };
        /**
         * @description The tokens
         * @example {
         *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
         *       "token_type": "Bearer",
         *       "expires_in": 900,
         *       "scope": "revocations:read"
         *     }
         */
        readonly TokenAnswer: {
            /** @description JWT, RFC 9068 */
            readonly access_token: string;
            /** @description Life of the access token, in seconds */
            readonly expires_in: number;
            /** @description Life of the refresh token, in seconds */
            readonly refresh_expires_in?: number;
            readonly refresh_token?: string;
            readonly scope?: string;
            /** @enum {string} */
            readonly token_type: "Bearer";
        };
        /**
         * @description A token that something is asked or done about
         * @example {
         *       "token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
         *     }
         */
        readonly TokenForm: {
            readonly client_id?: string;
            readonly client_secret?: string;
            /** @description An access token or a refresh token */
            readonly token: string;
            /** @description Not needed: tokens tell their type */
            readonly token_type_hint?: string;
        } & {
            readonly [key: string]: string;
        };
        /**
         * @description The two tokens of a session, which belong together
         * @example {
         *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
         *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
         *       "token_type": "Bearer",
         *       "expires_in": 900,
         *       "refresh_expires_in": 1209600
         *     }
         */
        readonly TokenPair: {
            /** @description JWT, RFC 9068 */
            readonly access_token: string;
            /** @description Life of the access token, in seconds */
            readonly expires_in: number;
            /** @description Life of the refresh token, in seconds */
            readonly refresh_expires_in: number;
            /** @description Single use; each refresh answers with its successor */
            readonly refresh_token: string;
            /** @enum {string} */
            readonly token_type: "Bearer";
        };
        /**
         * @description Form of the token endpoint
         * @example {
         *       "grant_type": "client_credentials",
         *       "scope": "revocations:read"
         *     }
         */
        readonly TokenRequest: {
            readonly client_id?: string;
            readonly client_secret?: string;
            /** @description `client_credentials` or `refresh_token` */
            readonly grant_type: string;
            readonly refresh_token?: string;
            /** @description Separated by spaces; all of the client’s without */
            readonly scope?: string;
        } & {
            readonly [key: string]: string;
        };
        /**
         * @description What changes; at least one of them
         * @example {
         *       "status": "disabled"
         *     }
         */
        readonly UpdateClientBody: {
            /**
             * Format: text
             * @description For people to read
             * @example Billing
             */
            readonly name?: string;
            readonly scopes?: readonly string[];
            readonly status?: "active" | "disabled";
        };
        /**
         * @description The user after the change, and the token pair that names it
         * @example {
         *       "user": {
         *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *         "username": "ada.lovelace",
         *         "email": "Ada@example.com",
         *         "full_name": "Ada King",
         *         "roles": [
         *           "user"
         *         ],
         *         "status": "active",
         *         "created_at": "2026-11-21T09:30:00.000Z",
         *         "updated_at": "2026-11-21T09:45:12.481Z"
         *       },
         *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
         *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
         *       "token_type": "Bearer",
         *       "expires_in": 900,
         *       "refresh_expires_in": 1209600
         *     }
         */
        readonly UpdatedMe: {
            /** @description JWT, RFC 9068 */
            readonly access_token: string;
            /** @description Life of the access token, in seconds */
            readonly expires_in: number;
            /** @description Life of the refresh token, in seconds */
            readonly refresh_expires_in: number;
            /** @description Single use; each refresh answers with its successor */
            readonly refresh_token: string;
            /** @enum {string} */
            readonly token_type: "Bearer";
            readonly user: components["schemas"]["User"];
        };
        /**
         * @description What changes; at least one of them
         * @example {
         *       "full_name": "Ada King"
         *     }
         */
        readonly UpdateMeBody: {
            readonly email?: string | null;
            readonly full_name?: string | null;
            /**
             * @description 3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case
             * @example ada.lovelace
             */
            readonly username?: string;
        };
        /**
         * @description A user, as the user and admins see it
         * @example {
         *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *       "username": "ada.lovelace",
         *       "email": "Ada@example.com",
         *       "full_name": "Ada Lovelace",
         *       "roles": [
         *         "user"
         *       ],
         *       "status": "active",
         *       "created_at": "2026-11-21T09:30:00.000Z",
         *       "updated_at": "2026-11-21T09:30:00.000Z"
         *     }
         */
        readonly User: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            readonly email: string | null;
            readonly full_name: string | null;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            readonly roles: readonly string[];
            readonly status: "active" | "disabled";
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
            /**
             * @description 3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case
             * @example ada.lovelace
             */
            readonly username: string;
        };
        /**
         * @description The user
         * @example {
         *       "user": {
         *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *         "username": "ada.lovelace",
         *         "email": "Ada@example.com",
         *         "full_name": "Ada Lovelace",
         *         "roles": [
         *           "user"
         *         ],
         *         "status": "active",
         *         "created_at": "2026-11-21T09:30:00.000Z",
         *         "updated_at": "2026-11-21T09:30:00.000Z"
         *       }
         *     }
         */
        readonly UserAnswer: {
            readonly user: components["schemas"]["User"];
        };
        /**
         * @description A signup, a new username or a deletion
         * @example {
         *       "seq": 17,
         *       "user_id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *       "username": "ada.lovelace",
         *       "deleted": false,
         *       "at": "2026-11-21T09:30:00.000Z"
         *     }
         */
        readonly UserChange: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly at: string;
            readonly deleted: boolean;
            /** @description Place in the log of changes; in a snapshot the place as of which it is told */
            readonly seq: number;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly user_id: string;
            readonly username: string;
        };
        /**
         * @description What has changed of users since
         * @example {
         *       "items": [
         *         {
         *           "seq": 17,
         *           "user_id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *           "username": "ada.lovelace",
         *           "deleted": false,
         *           "at": "2026-11-21T09:30:00.000Z"
         *         }
         *       ],
         *       "next": "changes.1.17",
         *       "more": false,
         *       "snapshot": null
         *     }
         */
        readonly UserChanges: {
            /** @description In order: whatever comes later about a user holds, whatever was known before */
            readonly items: readonly components["schemas"]["UserChange"][];
            /** @description Whether there is more already */
            readonly more: boolean;
            /** @description `after` of the next question */
            readonly next: string;
            /** @description Set while all users are told as they are; null once the changes follow */
            readonly snapshot: {
                /** @description Whether this was the last of them. A user that was known before the first page was asked for, and that came on no page, has been deleted. */
                readonly complete: boolean;
                /** @description As of which all users are told; also that of each item */
                readonly seq: number;
            } | null;
        };
        /**
         * @description All that auth keeps about a user, but for what proves who it is
         * @example {
         *       "exported_at": "2026-11-21T09:45:12.481Z",
         *       "user": {
         *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *         "username": "ada.lovelace",
         *         "email": "Ada@example.com",
         *         "full_name": "Ada Lovelace",
         *         "roles": [
         *           "user"
         *         ],
         *         "status": "active",
         *         "created_at": "2026-11-21T09:30:00.000Z",
         *         "updated_at": "2026-11-21T09:30:00.000Z"
         *       },
         *       "sessions": [
         *         {
         *           "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
         *           "created_at": "2026-11-21T09:30:00.000Z",
         *           "last_used_at": "2026-11-21T09:45:12.481Z",
         *           "expires_at": "2026-12-05T09:45:12.481Z",
         *           "ip": "203.0.113.7",
         *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *           "ends_at": "2026-12-05T09:45:12.481Z",
         *           "ended_at": null,
         *           "end_reason": null
         *         }
         *       ],
         *       "logins": [
         *         {
         *           "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
         *           "at": "2026-11-21T09:30:00.000Z",
         *           "ip": "203.0.113.7",
         *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
         *           "outcome": "success",
         *           "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
         *         }
         *       ]
         *     }
         */
        readonly UserExport: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly exported_at: string;
            readonly logins: readonly components["schemas"]["LoginAttempt"][];
            readonly sessions: readonly {
                /**
                 * Format: date-time
                 * @description ISO 8601, UTC
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly created_at: string;
                readonly end_reason: string | null;
                readonly ended_at: string | null;
                /**
                 * Format: date-time
                 * @description When it ends, used or not
                 */
                readonly ends_at: string;
                /**
                 * Format: date-time
                 * @description When it ends if it is not used again
                 */
                readonly expires_at: string;
                /**
                 * Format: uuid
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
                readonly ip: string | null;
                /**
                 * Format: date-time
                 * @description ISO 8601, UTC
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly last_used_at: string;
                readonly user_agent: string | null;
            }[];
            readonly user: components["schemas"]["User"];
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *           "username": "ada.lovelace",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly UserPage: {
            readonly items: readonly components["schemas"]["ListedUser"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description All roles that the user shall have
         * @example {
         *       "roles": [
         *         "user",
         *         "moderator"
         *       ]
         *     }
         */
        readonly UserRolesBody: {
            readonly roles: readonly string[];
        };
        /**
         * @description Whether the user may log in
         * @example {
         *       "status": "disabled"
         *     }
         */
        readonly UserStatusBody: {
            readonly status: "active" | "disabled";
        };
        /**
         * @description Who is calling; the headers say the same
         * @example {
         *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *       "username": "ada.lovelace",
         *       "roles": [
         *         "user"
         *       ],
         *       "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
         *     }
         */
        readonly Verified: {
            /** @description `X-User-Id` */
            readonly id: string;
            /** @description `X-User-Roles`, separated by commas */
            readonly roles: readonly string[];
            /** @description `X-Session-Id` */
            readonly session_id: string;
            /** @description `X-User-Name` */
            readonly username: string;
        };
    };
    responses: never;
    parameters: {
        /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
        readonly IfRevocationPosition: string;
    };
    requestBodies: never;
    headers: {
        /** @description Version of what is answered (RFC 9110 section 8.8.3) */
        readonly ETag: string;
        /** @description `true` if an earlier request with this key was given the same answer; missing otherwise */
        readonly "Idempotency-Replayed": "true";
        /** @description How many requests the caller has left, and for how many seconds */
        readonly RateLimit: string;
        /** @description How many requests a caller has in how many seconds (draft-ietf-httpapi-ratelimit-headers) */
        readonly "RateLimit-Policy": string;
        /** @description Seconds to wait before the next attempt */
        readonly "Retry-After": number;
        /** @description How many verifiers have not said yet that they know; missing if nothing was revoked */
        readonly "Revocation-Pending": number;
        /** @description Place of the revocation in the log; missing if nothing was revoked */
        readonly "Revocation-Position": string;
        /** @description How to authenticate (RFC 6750 section 3; at the endpoints of OAuth RFC 6749 section 5.2) */
        readonly "WWW-Authenticate": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly getJwks: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to read; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description The `ETag` that the caller has; 304 if it is the newest */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A set of public keys (RFC 7517 section 5) */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "keys": [
                     *         {
                     *           "kty": "EC",
                     *           "kid": "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
                     *           "use": "sig",
                     *           "alg": "ES256",
                     *           "crv": "P-256",
                     *           "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                     *           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
                     *         }
                     *       ]
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Jwks"];
                };
            };
            /** @description The caller has the newest version */
            readonly 304: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PRECONDITION_FAILED`: The resource has changed meanwhile */
            readonly 412: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getServerMetadata: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What an OAuth client needs to know of this issuer (RFC 8414 section 2) */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "issuer": "http://localhost:8080",
                     *       "jwks_uri": "http://localhost:8080/.well-known/jwks.json",
                     *       "token_endpoint": "http://localhost:8080/oauth/token",
                     *       "token_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post",
                     *         "none"
                     *       ],
                     *       "grant_types_supported": [
                     *         "client_credentials",
                     *         "refresh_token"
                     *       ],
                     *       "response_types_supported": [],
                     *       "introspection_endpoint": "http://localhost:8080/oauth/introspect",
                     *       "introspection_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post"
                     *       ],
                     *       "revocation_endpoint": "http://localhost:8080/oauth/revoke",
                     *       "revocation_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post",
                     *         "none"
                     *       ],
                     *       "service_documentation": "http://localhost:8080/docs"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ServerMetadata"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getOpenidConfiguration: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What an OAuth client needs to know of this issuer (RFC 8414 section 2) */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "issuer": "http://localhost:8080",
                     *       "jwks_uri": "http://localhost:8080/.well-known/jwks.json",
                     *       "token_endpoint": "http://localhost:8080/oauth/token",
                     *       "token_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post",
                     *         "none"
                     *       ],
                     *       "grant_types_supported": [
                     *         "client_credentials",
                     *         "refresh_token"
                     *       ],
                     *       "response_types_supported": [],
                     *       "introspection_endpoint": "http://localhost:8080/oauth/introspect",
                     *       "introspection_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post"
                     *       ],
                     *       "revocation_endpoint": "http://localhost:8080/oauth/revoke",
                     *       "revocation_endpoint_auth_methods_supported": [
                     *         "client_secret_basic",
                     *         "client_secret_post",
                     *         "none"
                     *       ],
                     *       "service_documentation": "http://localhost:8080/docs"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ServerMetadata"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listClients: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "client_id": "billing",
                     *           "name": "Billing",
                     *           "scopes": [
                     *             "revocations:read"
                     *           ],
                     *           "status": "active",
                     *           "created_at": "2026-11-21T09:30:00.000Z",
                     *           "updated_at": "2026-11-21T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ClientPage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly createClient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "client_id": "billing",
                 *       "name": "Billing",
                 *       "scopes": [
                 *         "revocations:read"
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["CreateClientBody"];
            };
        };
        readonly responses: {
            /** @description A registered client with the secret that it has just been given */
            readonly 201: {
                headers: {
                    /** @description Path of what is new */
                    readonly Location?: string;
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z",
                     *       "client_secret": "shown once"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ClientWithSecret"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_CLIENT_TAKEN`: There is a client of this id already */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getClient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
                 * @example billing
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A registered client */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Client"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly deleteClient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
                 * @example billing
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A registered client */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Client"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Client"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly updateClient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
                 * @example billing
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "status": "disabled"
                 *     }
                 */
                readonly "application/json": components["schemas"]["UpdateClientBody"];
            };
        };
        readonly responses: {
            /** @description A registered client */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Client"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Client"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly rotateClientSecret: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description 1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`
                 * @example billing
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A registered client with the secret that it has just been given */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z",
                     *       "client_secret": "shown once"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ClientWithSecret"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "client_id": "billing",
                     *       "name": "Billing",
                     *       "scopes": [
                     *         "revocations:read"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z",
                     *       "client_secret": "shown once"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ClientWithSecret"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly login: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "username": "ada.lovelace",
                 *       "password": "correct horse battery staple"
                 *     }
                 */
                readonly "application/json": components["schemas"]["LoginBody"];
            };
        };
        readonly responses: {
            /** @description The two tokens of a session, which belong together */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CREDENTIALS_WRONG`: Username or password is wrong */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests; `AUTH_LOGIN_THROTTLED`: Too many failed logins */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_HASHING_BUSY`: Too many passwords are being checked */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly logout: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description How many sessions ended */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly logoutAll: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description How many sessions ended */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly refresh: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                /**
                 * @example {
                 *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
                 *     }
                 */
                readonly "application/json": components["schemas"]["RefreshBody"];
            };
        };
        readonly responses: {
            /** @description The two tokens of a session, which belong together */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_REFRESH_INVALID`: The refresh token is not valid; `AUTH_REFRESH_EXPIRED`: The session has expired; `AUTH_REFRESH_REUSED`: The refresh token has been used before */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listRevocations: {
        readonly parameters: {
            readonly query: {
                /**
                 * @description Events after this position; `0-0` for all there are
                 * @example 1-41
                 */
                readonly after: string;
                /** @description Comes back in an answer or a beat, and tells the verifier how old what it knows is */
                readonly mark?: string;
                /** @description Seconds of silence of the log after which the verifier stops accepting tokens */
                readonly max_age?: number;
                /** @description Up to which the verifier has applied the log */
                readonly position?: string;
                /** @description Whether the verifier accepts tokens: not yet, now, no longer */
                readonly state?: "joining" | "live" | "leaving";
                /** @description Name of the verifier, unique for each start of its process */
                readonly verifier?: string;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What has been revoked since */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "epoch": 1,
                     *       "seq": 42,
                     *       "base": 12,
                     *       "events": [
                     *         {
                     *           "epoch": 1,
                     *           "seq": 42,
                     *           "kind": "session",
                     *           "key": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
                     *           "value": 0,
                     *           "keep_until": 1795257912481,
                     *           "at": 1795254012481
                     *         }
                     *       ],
                     *       "more": false,
                     *       "mark": "k7Qx2"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["RevocationFeed"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_SCOPE_INSUFFICIENT`: The token lacks a scope */
            readonly 403: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_VERIFIERS_FULL`: The client has as many verifiers as it may */
            readonly 429: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listRoles: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "name": "editor",
                     *           "description": "May change the posts of others",
                     *           "built_in": false,
                     *           "created_at": "2026-11-21T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["RolePage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly createRole: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "name": "editor",
                 *       "description": "May change the posts of others"
                 *     }
                 */
                readonly "application/json": components["schemas"]["CreateRoleBody"];
            };
        };
        readonly responses: {
            /** @description A role */
            readonly 201: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "editor",
                     *       "description": "May change the posts of others",
                     *       "built_in": false,
                     *       "created_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Role"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_ROLE_TAKEN`: There is a role of this name already */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly deleteRole: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /** @example moderator */
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A role */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "editor",
                     *       "description": "May change the posts of others",
                     *       "built_in": false,
                     *       "created_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Role"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_ROLE_BUILT_IN`: The role is built in; `AUTH_ROLE_HELD`: The role is held by a user */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly signup: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Repeat a request with its key and body, and get its first answer again, for 24 hours */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "username": "ada.lovelace",
                 *       "password": "correct horse battery staple",
                 *       "email": "Ada@example.com"
                 *     }
                 */
                readonly "application/json": components["schemas"]["SignupBody"];
            };
        };
        readonly responses: {
            /** @description The user */
            readonly 201: {
                headers: {
                    readonly "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "user": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace",
                     *         "email": "Ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "roles": [
                     *           "user"
                     *         ],
                     *         "status": "active",
                     *         "created_at": "2026-11-21T09:30:00.000Z",
                     *         "updated_at": "2026-11-21T09:30:00.000Z"
                     *       }
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UserAnswer"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read; `AUTH_PASSWORD_COMMON`: The password is too common */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `IDEMPOTENCY_KEY_RUNNING`: A request with this idempotency key is under way; `CONFLICT`: The request conflicts with another one; `AUTH_USERNAME_TAKEN`: The username is taken; `AUTH_EMAIL_TAKEN`: The email is taken */
            readonly 409: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `IDEMPOTENCY_KEY_REUSED`: The idempotency key belongs to another request */
            readonly 422: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests; `AUTH_LOGIN_THROTTLED`: Too many failed logins */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_HASHING_BUSY`: Too many passwords are being checked */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listUsers: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
                /** @description Only users whose name begins so, without regard to case */
                readonly username?: string;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *           "username": "ada.lovelace",
                     *           "created_at": "2026-11-21T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UserPage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listLogins: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
                     *           "at": "2026-11-21T09:30:00.000Z",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *           "outcome": "success",
                     *           "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["LoginPage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly logoutUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description How many sessions ended */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Revoked"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly replaceUserRoles: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "roles": [
                 *         "user",
                 *         "moderator"
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["UserRolesBody"];
            };
        };
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_LAST_ADMIN`: This is the last active admin */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly grantRole: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
                /** @example moderator */
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_LAST_ADMIN`: This is the last active admin */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly takeRole: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
                /** @example moderator */
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_LAST_ADMIN`: This is the last active admin */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly changeUserStatus: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "status": "disabled"
                 *     }
                 */
                readonly "application/json": components["schemas"]["UserStatusBody"];
            };
        };
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_LAST_ADMIN`: This is the last active admin */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listUserChanges: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the answer before; empty or missing for all users as they are */
                readonly after?: string;
                readonly limit?: number;
                /** @description How long to wait for a change if there is none, in ms */
                readonly wait?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What has changed of users since */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "seq": 17,
                     *           "user_id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *           "username": "ada.lovelace",
                     *           "deleted": false,
                     *           "at": "2026-11-21T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "next": "changes.1.17",
                     *       "more": false,
                     *       "snapshot": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UserChanges"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_SCOPE_INSUFFICIENT`: The token lacks a scope */
            readonly 403: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CURSOR_EXPIRED`: The cursor is too old */
            readonly 410: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly deleteMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A user, as the user and admins see it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "email": "Ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "status": "active",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "updated_at": "2026-11-21T09:30:00.000Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["User"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_LAST_ADMIN`: This is the last active admin */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly updateMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "full_name": "Ada King"
                 *     }
                 */
                readonly "application/json": components["schemas"]["UpdateMeBody"];
            };
        };
        readonly responses: {
            /** @description The user after the change, and the token pair that names it */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "user": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace",
                     *         "email": "Ada@example.com",
                     *         "full_name": "Ada King",
                     *         "roles": [
                     *           "user"
                     *         ],
                     *         "status": "active",
                     *         "created_at": "2026-11-21T09:30:00.000Z",
                     *         "updated_at": "2026-11-21T09:45:12.481Z"
                     *       },
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UpdatedMe"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "user": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace",
                     *         "email": "Ada@example.com",
                     *         "full_name": "Ada King",
                     *         "roles": [
                     *           "user"
                     *         ],
                     *         "status": "active",
                     *         "created_at": "2026-11-21T09:30:00.000Z",
                     *         "updated_at": "2026-11-21T09:45:12.481Z"
                     *       },
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UpdatedMe"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one; `AUTH_USERNAME_TAKEN`: The username is taken; `AUTH_EMAIL_TAKEN`: The email is taken */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly exportMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All that auth keeps about a user, but for what proves who it is */
            readonly 200: {
                headers: {
                    /** @description The name of a file to keep it in */
                    readonly "Content-Disposition"?: string;
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "exported_at": "2026-11-21T09:45:12.481Z",
                     *       "user": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace",
                     *         "email": "Ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "roles": [
                     *           "user"
                     *         ],
                     *         "status": "active",
                     *         "created_at": "2026-11-21T09:30:00.000Z",
                     *         "updated_at": "2026-11-21T09:30:00.000Z"
                     *       },
                     *       "sessions": [
                     *         {
                     *           "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
                     *           "created_at": "2026-11-21T09:30:00.000Z",
                     *           "last_used_at": "2026-11-21T09:45:12.481Z",
                     *           "expires_at": "2026-12-05T09:45:12.481Z",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *           "ends_at": "2026-12-05T09:45:12.481Z",
                     *           "ended_at": null,
                     *           "end_reason": null
                     *         }
                     *       ],
                     *       "logins": [
                     *         {
                     *           "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
                     *           "at": "2026-11-21T09:30:00.000Z",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *           "outcome": "success",
                     *           "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
                     *         }
                     *       ]
                     *     }
                     */
                    readonly "application/json": components["schemas"]["UserExport"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listMyLogins: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92",
                     *           "at": "2026-11-21T09:30:00.000Z",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *           "outcome": "success",
                     *           "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["LoginPage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly changePassword: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "current_password": "correct horse battery staple",
                 *       "new_password": "a fresher horse, a better battery"
                 *     }
                 */
                readonly "application/json": components["schemas"]["ChangePasswordBody"];
            };
        };
        readonly responses: {
            /** @description The two tokens of a session, which belong together */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "refresh_expires_in": 1209600
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read; `AUTH_PASSWORD_COMMON`: The password is too common */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_PASSWORD_WRONG`: The current password is wrong */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests; `AUTH_LOGIN_THROTTLED`: Too many failed logins */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now; `AUTH_HASHING_BUSY`: Too many passwords are being checked */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly listMySessions: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
                     *           "created_at": "2026-11-21T09:30:00.000Z",
                     *           "last_used_at": "2026-11-21T09:45:12.481Z",
                     *           "expires_at": "2026-12-05T09:45:12.481Z",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *           "current": true
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["SessionPage"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly endMySession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path: {
                /**
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A session as its user sees it: on which device it is, and when it was used */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "last_used_at": "2026-11-21T09:45:12.481Z",
                     *       "expires_at": "2026-12-05T09:45:12.481Z",
                     *       "ip": "203.0.113.7",
                     *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *       "current": true
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
            /** @description As with 200; only that not every verifier has said yet that it knows */
            readonly 202: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Revocation-Pending": components["headers"]["Revocation-Pending"];
                    readonly "Revocation-Position": components["headers"]["Revocation-Position"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33",
                     *       "created_at": "2026-11-21T09:30:00.000Z",
                     *       "last_used_at": "2026-11-21T09:45:12.481Z",
                     *       "expires_at": "2026-12-05T09:45:12.481Z",
                     *       "ip": "203.0.113.7",
                     *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                     *       "current": true
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TIMEOUT`: The request took too long to arrive */
            readonly 408: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `CONFLICT`: The request conflicts with another one */
            readonly 409: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `REQUEST_TOO_LARGE`: The request is too large */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `MEDIA_TYPE_UNSUPPORTED`: The content type is not supported */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMITED`: Too many requests */
            readonly 429: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `OUTCOME_UNKNOWN`: It is not known whether the request took effect; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly verify: {
        readonly parameters: {
            readonly query?: {
                /** @description A role that the user has to have */
                readonly role?: string;
            };
            readonly header?: {
                /** @description A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is answered with 503 if it does not, and with 400 if this is no position */
                readonly "If-Revocation-Position"?: components["parameters"]["IfRevocationPosition"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Who is calling; the headers say the same */
            readonly 200: {
                headers: {
                    /** @description As `session_id` */
                    readonly "X-Session-Id"?: string;
                    /** @description As `id` */
                    readonly "X-User-Id"?: string;
                    /** @description As `username` */
                    readonly "X-User-Name"?: string;
                    /** @description As `roles`, with commas between them */
                    readonly "X-User-Roles"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "username": "ada.lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "session_id": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Verified"];
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_TOKEN_MISSING`: An access token is needed; `AUTH_TOKEN_INVALID`: The access token is not valid */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `AUTH_CLIENT_TOKEN`: This route is for users; `AUTH_FORBIDDEN`: You may not do this */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable; `AUTH_REVOCATIONS_STALE`: Whether the token has been revoked is not known right now */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getLiveness: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is well */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getReadiness: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is well */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly introspectToken: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
                 *     }
                 */
                readonly "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        readonly responses: {
            /** @description What the token says; of a token that is not good, `active` alone */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "active": true,
                     *       "token_type": "Bearer",
                     *       "client_id": "portcullis",
                     *       "sub": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *       "iss": "http://localhost:8080",
                     *       "aud": "portcullis",
                     *       "iat": 1795253400,
                     *       "exp": 1795254300,
                     *       "jti": "019a5c3f-2b11-7d20-a4c8-9f3e6b5d1a70",
                     *       "username": "ada.lovelace",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "sid": "019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Introspection"];
                };
            };
            /** @description `invalid_request` */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_client` */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `insufficient_scope`: the client does not have `tokens:introspect` */
            readonly 403: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the form is longer than 32 KiB */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the body is no form */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: too many requests; see `Retry-After` */
            readonly 429: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `server_error` */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: try again after `Retry-After` */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    readonly revokeToken: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
                 *     }
                 */
                readonly "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        readonly responses: {
            /** @description No verifier accepts the token */
            readonly 200: {
                headers: {
                    /** @description How many verifiers have not said yet that they know; missing if nothing was revoked */
                    readonly "Revocation-Pending"?: string;
                    /** @description Place of the revocation in the log; missing if nothing was revoked */
                    readonly "Revocation-Position"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    readonly "application/json": Record<string, never>;
                };
            };
            /** @description `invalid_request`; `unauthorized_client`: the token was issued to another client */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_client` */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the form is longer than 32 KiB */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the body is no form */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: too many requests; see `Retry-After` */
            readonly 429: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `server_error` */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: the token is revoked, but not every verifier has said yet that it knows, or it could not be revoked; repeat the request after `Retry-After` */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    readonly issueToken: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example {
                 *       "grant_type": "client_credentials",
                 *       "scope": "revocations:read"
                 *     }
                 */
                readonly "application/x-www-form-urlencoded": components["schemas"]["TokenRequest"];
            };
        };
        readonly responses: {
            /** @description The tokens */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
                     *       "token_type": "Bearer",
                     *       "expires_in": 900,
                     *       "scope": "revocations:read"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TokenAnswer"];
                };
            };
            /** @description `invalid_request`, `invalid_grant`, `invalid_scope`, `unsupported_grant_type` */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_client` */
            readonly 401: {
                headers: {
                    readonly "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the form is longer than 32 KiB */
            readonly 413: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `invalid_request`: the body is no form */
            readonly 415: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: too many requests; see `Retry-After` */
            readonly 429: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `server_error` */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description `temporarily_unavailable`: try again after `Retry-After` */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    readonly listProblems: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Every error code */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "type": "http://localhost:8080/problems/NOT_FOUND",
                     *           "code": "NOT_FOUND",
                     *           "status": 404,
                     *           "title": "Not found",
                     *           "help": "There is no such route or resource, or it is not yours to see."
                     *         }
                     *       ]
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ProblemIndex"];
                    readonly "text/html": string;
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readonly getProblem: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /**
                 * @description `code` of a problem
                 * @example AUTH_REFRESH_REUSED
                 */
                readonly code: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What the code means */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "http://localhost:8080/problems/NOT_FOUND",
                     *       "code": "NOT_FOUND",
                     *       "status": 404,
                     *       "title": "Not found",
                     *       "help": "There is no such route or resource, or it is not yours to see."
                     *     }
                     */
                    readonly "application/json": components["schemas"]["ProblemPage"];
                    readonly "text/html": string;
                };
            };
            /** @description `REQUEST_INVALID`: The request does not fit the schema; `REQUEST_MALFORMED`: The request could not be read */
            readonly 400: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NOT_FOUND`: Not found */
            readonly 404: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `HEADERS_TOO_LARGE`: The headers are too large */
            readonly 431: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL`: Internal error */
            readonly 500: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAVAILABLE`: Temporarily unavailable */
            readonly 503: {
                headers: {
                    readonly "Retry-After": components["headers"]["Retry-After"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
