// Generated from docs/openapi/content.json by `npm run openapi`.

export interface paths {
    readonly "/api/v1/posts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List posts, newest first
         * @description For anyone, without a token.
         */
        readonly get: operations["listPosts"];
        readonly put?: never;
        /**
         * Write a post
         * @description Anyone can read it at once. With an `Idempotency-Key` it is written once, however often it is sent.
         */
        readonly post: operations["createPost"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/posts/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Read a post
         * @description For anyone, without a token.
         */
        readonly get: operations["getPost"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Delete a post
         * @description For its author, moderators and admins. Answers with what was deleted.
         */
        readonly delete: operations["deletePost"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change a post
         * @description For its author, moderators and admins.
         */
        readonly patch: operations["updatePost"];
        readonly trace?: never;
    };
    readonly "/api/v1/tasks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List your tasks, newest first
         * @description Those of other users are not among them.
         */
        readonly get: operations["listTasks"];
        readonly put?: never;
        /**
         * Make a task
         * @description For its owner alone. With an `Idempotency-Key` it is made once, however often it is sent.
         */
        readonly post: operations["createTask"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v1/tasks/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Read a task
         * @description One of another user is answered as one that does not exist.
         */
        readonly get: operations["getTask"];
        /**
         * Replace a task
         * @description What is left out gets its default, as in a new task.
         */
        readonly put: operations["replaceTask"];
        readonly post?: never;
        /**
         * Delete a task
         * @description Answers with what was deleted.
         */
        readonly delete: operations["deleteTask"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change a task
         * @description What is left out stays as it is.
         */
        readonly patch: operations["updateTask"];
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
         * @description A post to be
         * @example {
         *       "title": "Hello",
         *       "description": "What a post is about."
         *     }
         */
        readonly CreatePostBody: {
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description: string;
            /**
             * Format: text
             * @example Hello
             */
            readonly title: string;
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
         * @description A post
         * @example {
         *       "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
         *       "title": "Hello",
         *       "description": "What a post is about.",
         *       "author": {
         *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *         "username": "ada.lovelace"
         *       },
         *       "created_at": "2026-11-21T09:45:12.481Z",
         *       "updated_at": "2026-11-21T09:45:12.481Z"
         *     }
         */
        readonly Post: {
            readonly author: {
                /**
                 * Format: uuid
                 * @description UUIDv7
                 * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
                 */
                readonly id: string;
                /**
                 * @description 3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case
                 * @example ada.lovelace
                 */
                readonly username: string;
            };
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description: string;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            /**
             * Format: text
             * @example Hello
             */
            readonly title: string;
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
         *           "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
         *           "title": "Hello",
         *           "description": "What a post is about.",
         *           "author": {
         *             "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
         *             "username": "ada.lovelace"
         *           },
         *           "created_at": "2026-11-21T09:45:12.481Z",
         *           "updated_at": "2026-11-21T09:45:12.481Z"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly PostPage: {
            readonly items: readonly components["schemas"]["Post"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
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
         * @description A task
         * @example {
         *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
         *       "title": "Water the plants",
         *       "description": "Those on the balcony, too.",
         *       "status": "todo",
         *       "due_at": "2026-11-22T18:00:00.000Z",
         *       "created_at": "2026-11-21T09:45:12.481Z",
         *       "updated_at": "2026-11-21T09:45:12.481Z"
         *     }
         */
        readonly Task: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description: string;
            readonly due_at: string | null;
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77
             */
            readonly id: string;
            readonly status: "todo" | "in_progress" | "done";
            /**
             * Format: text
             * @example Hello
             */
            readonly title: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
        };
        /**
         * @description A whole task
         * @example {
         *       "title": "Water the plants",
         *       "description": "Those on the balcony, too.",
         *       "status": "todo",
         *       "due_at": "2026-11-22T18:00:00.000Z"
         *     }
         */
        readonly TaskBody: {
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description?: string;
            readonly due_at?: string | null;
            readonly status?: "todo" | "in_progress" | "done";
            /**
             * Format: text
             * @example Hello
             */
            readonly title: string;
        };
        /**
         * @description A page of the list
         * @example {
         *       "items": [
         *         {
         *           "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
         *           "title": "Water the plants",
         *           "description": "Those on the balcony, too.",
         *           "status": "todo",
         *           "due_at": "2026-11-22T18:00:00.000Z",
         *           "created_at": "2026-11-21T09:45:12.481Z",
         *           "updated_at": "2026-11-21T09:45:12.481Z"
         *         }
         *       ],
         *       "next_cursor": null
         *     }
         */
        readonly TaskPage: {
            readonly items: readonly components["schemas"]["Task"][];
            /** @description `cursor` of the next page; null on the last one */
            readonly next_cursor: string | null;
        };
        /**
         * @description What changes; at least one of them
         * @example {
         *       "title": "Hello again"
         *     }
         */
        readonly UpdatePostBody: {
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description?: string;
            /**
             * Format: text
             * @example Hello
             */
            readonly title?: string;
        };
        /**
         * @description What changes; at least one of them
         * @example {
         *       "status": "done"
         *     }
         */
        readonly UpdateTaskBody: {
            /**
             * Format: text
             * @example What a post or a task is about.
             */
            readonly description?: string;
            readonly due_at?: string | null;
            readonly status?: "todo" | "in_progress" | "done";
            /**
             * Format: text
             * @example Hello
             */
            readonly title?: string;
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
        /** @description How to authenticate (RFC 6750 section 3; at the endpoints of OAuth RFC 6749 section 5.2) */
        readonly "WWW-Authenticate": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly listPosts: {
        readonly parameters: {
            readonly query?: {
                /** @description Only posts of this user */
                readonly author?: string;
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
            };
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
            /** @description A page of the list */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
                     *           "title": "Hello",
                     *           "description": "What a post is about.",
                     *           "author": {
                     *             "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *             "username": "ada.lovelace"
                     *           },
                     *           "created_at": "2026-11-21T09:45:12.481Z",
                     *           "updated_at": "2026-11-21T09:45:12.481Z"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["PostPage"];
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
    readonly createPost: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Repeat a request with its key and body, and get its first answer again, for 24 hours */
                readonly "Idempotency-Key"?: string;
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
                 *       "title": "Hello",
                 *       "description": "What a post is about."
                 *     }
                 */
                readonly "application/json": components["schemas"]["CreatePostBody"];
            };
        };
        readonly responses: {
            /** @description A post */
            readonly 201: {
                headers: {
                    /** @description Its version, for `If-Match` */
                    readonly ETag?: string;
                    readonly "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    /** @description Path of what is new */
                    readonly Location?: string;
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
                     *       "title": "Hello",
                     *       "description": "What a post is about.",
                     *       "author": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace"
                     *       },
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Post"];
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
            /** @description `IDEMPOTENCY_KEY_RUNNING`: A request with this idempotency key is under way; `CONFLICT`: The request conflicts with another one */
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
    readonly getPost: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to read; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description The `ETag` that the caller has; 304 if it is the newest */
                readonly "If-None-Match"?: string;
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
            /** @description A post */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
                     *       "title": "Hello",
                     *       "description": "What a post is about.",
                     *       "author": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace"
                     *       },
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Post"];
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
    readonly deletePost: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to change; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description An `ETag` not to change; 412 if it is the newest, and for `*` always */
                readonly "If-None-Match"?: string;
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
            /** @description A post */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
                     *       "title": "Hello",
                     *       "description": "What a post is about.",
                     *       "author": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace"
                     *       },
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Post"];
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
    readonly updatePost: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to change; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description An `ETag` not to change; 412 if it is the newest, and for `*` always */
                readonly "If-None-Match"?: string;
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
                 *       "title": "Hello again"
                 *     }
                 */
                readonly "application/json": components["schemas"]["UpdatePostBody"];
            };
        };
        readonly responses: {
            /** @description A post */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14",
                     *       "title": "Hello",
                     *       "description": "What a post is about.",
                     *       "author": {
                     *         "id": "019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77",
                     *         "username": "ada.lovelace"
                     *       },
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Post"];
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
    readonly listTasks: {
        readonly parameters: {
            readonly query?: {
                /** @description `next_cursor` of the page before */
                readonly cursor?: string;
                /** @description Only tasks that are due before */
                readonly due_before?: string;
                /** @description How many items a page has at most */
                readonly limit?: number;
                /** @description Only tasks of this status */
                readonly status?: "todo" | "in_progress" | "done";
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
                     *           "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *           "title": "Water the plants",
                     *           "description": "Those on the balcony, too.",
                     *           "status": "todo",
                     *           "due_at": "2026-11-22T18:00:00.000Z",
                     *           "created_at": "2026-11-21T09:45:12.481Z",
                     *           "updated_at": "2026-11-21T09:45:12.481Z"
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TaskPage"];
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
    readonly createTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Repeat a request with its key and body, and get its first answer again, for 24 hours */
                readonly "Idempotency-Key"?: string;
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
                 *       "title": "Water the plants",
                 *       "description": "Those on the balcony, too.",
                 *       "status": "todo",
                 *       "due_at": "2026-11-22T18:00:00.000Z"
                 *     }
                 */
                readonly "application/json": components["schemas"]["TaskBody"];
            };
        };
        readonly responses: {
            /** @description A task */
            readonly 201: {
                headers: {
                    /** @description Its version, for `If-Match` */
                    readonly ETag?: string;
                    readonly "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    /** @description Path of what is new */
                    readonly Location?: string;
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *       "title": "Water the plants",
                     *       "description": "Those on the balcony, too.",
                     *       "status": "todo",
                     *       "due_at": "2026-11-22T18:00:00.000Z",
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Task"];
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
            /** @description `IDEMPOTENCY_KEY_RUNNING`: A request with this idempotency key is under way; `CONFLICT`: The request conflicts with another one */
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
    readonly getTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to read; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description The `ETag` that the caller has; 304 if it is the newest */
                readonly "If-None-Match"?: string;
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
            /** @description A task */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *       "title": "Water the plants",
                     *       "description": "Those on the balcony, too.",
                     *       "status": "todo",
                     *       "due_at": "2026-11-22T18:00:00.000Z",
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Task"];
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
    readonly replaceTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to change; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description An `ETag` not to change; 412 if it is the newest, and for `*` always */
                readonly "If-None-Match"?: string;
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
                 *       "title": "Water the plants",
                 *       "description": "Those on the balcony, too.",
                 *       "status": "todo",
                 *       "due_at": "2026-11-22T18:00:00.000Z"
                 *     }
                 */
                readonly "application/json": components["schemas"]["TaskBody"];
            };
        };
        readonly responses: {
            /** @description A task */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *       "title": "Water the plants",
                     *       "description": "Those on the balcony, too.",
                     *       "status": "todo",
                     *       "due_at": "2026-11-22T18:00:00.000Z",
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Task"];
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
    readonly deleteTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to change; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description An `ETag` not to change; 412 if it is the newest, and for `*` always */
                readonly "If-None-Match"?: string;
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
            /** @description A task */
            readonly 200: {
                headers: {
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *       "title": "Water the plants",
                     *       "description": "Those on the balcony, too.",
                     *       "status": "todo",
                     *       "due_at": "2026-11-22T18:00:00.000Z",
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Task"];
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
    readonly updateTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The `ETag` of the version to change; 412 if it is not the newest */
                readonly "If-Match"?: string;
                /** @description An `ETag` not to change; 412 if it is the newest, and for `*` always */
                readonly "If-None-Match"?: string;
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
                 *       "status": "done"
                 *     }
                 */
                readonly "application/json": components["schemas"]["UpdateTaskBody"];
            };
        };
        readonly responses: {
            /** @description A task */
            readonly 200: {
                headers: {
                    readonly ETag: components["headers"]["ETag"];
                    readonly RateLimit: components["headers"]["RateLimit"];
                    readonly "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05",
                     *       "title": "Water the plants",
                     *       "description": "Those on the balcony, too.",
                     *       "status": "todo",
                     *       "due_at": "2026-11-22T18:00:00.000Z",
                     *       "created_at": "2026-11-21T09:45:12.481Z",
                     *       "updated_at": "2026-11-21T09:45:12.481Z"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["Task"];
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
